//! IP addresses and CIDRs, as Go parses them.
//!
//! Older fields of the API accept IPv4 octets with leading zeros, as decimal numbers. With the feature gate
//! `StrictIPCIDRValidation`, the API server rejects them in new objects.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A CIDR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    /// The address as written, including host bits.
    pub address: IpAddr,
    /// The length of the prefix, in bits.
    pub prefix: u8,
}

/// Parses an address strictly: without leading zeros, a zone, or an IPv4-mapped IPv6 address.
#[must_use]
pub fn strict(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    (!matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some())).then_some(address)
}

/// Parses an address as older fields accept it: leading zeros in IPv4 octets are ignored, and an IPv4-mapped IPv6 address is
/// an IPv4 address.
#[must_use]
pub fn sloppy(text: &str) -> Option<IpAddr> {
    if !text.contains(':') {
        return sloppy_v4(text).map(IpAddr::V4);
    }
    let v6: Ipv6Addr = match text.parse() {
        Ok(v6) => v6,
        Err(_) => {
            let (head, tail) = text.rsplit_once(':')?;
            let v4 = sloppy_v4(tail)?;
            format!("{head}:{v4}").parse().ok()?
        }
    };
    Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4))
}

fn sloppy_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = part.parse().ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// Parses a CIDR as older fields accept it: host bits may be set.
#[must_use]
pub fn sloppy_cidr(text: &str) -> Option<Cidr> {
    let (address, prefix) = text.split_once('/')?;
    let mapped = address.contains(':') && matches!(sloppy(address), Some(IpAddr::V4(_)));
    let address = sloppy(address)?;
    if prefix.is_empty() || prefix.len() > 3 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let prefix: u8 = prefix.parse().ok()?;
    let max = if address.is_ipv4() && !mapped { 32 } else { 128 };
    if prefix > max {
        return None;
    }
    Some(Cidr { address, prefix: if mapped { prefix.saturating_sub(96) } else { prefix } })
}

impl Cidr {
    /// The address with the host bits cleared.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        let prefix = u32::from(self.prefix);
        match self.address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        }
    }

    /// Whether it contains an address. False for an address of the other family.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && Self { address, prefix: self.prefix }.network() == self.network()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_are_strict_or_sloppy() {
        for text in ["10.0.0.1", "::1", "fe80::1", "1:2:3:4:5:6:7:8", "64:ff9b::1.2.3.4"] {
            assert!(strict(text).is_some() && sloppy(text).is_some(), "{text}");
        }
        for text in ["010.0.0.1", "::ffff:1.2.3.4", "::ffff:1.02.3.4"] {
            assert!(strict(text).is_none() && sloppy(text).is_some(), "{text}");
        }
        for text in ["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "fe80::1%eth0", "::g", "1.2.3.4 ", "1..2.3", "-1.2.3.4"] {
            assert!(strict(text).is_none() && sloppy(text).is_none(), "{text}");
        }
    }

    #[test]
    fn cidrs_are_parsed() {
        for text in ["10.0.0.0/8", "::/0", "0.0.0.0/0", "1.2.3.4/32", "fe80::/10"] {
            assert!(sloppy_cidr(text).is_some_and(|range| range.network() == range.address), "{text}");
        }
        for text in ["10.0.0.1/8", "10.0.0.0/08", "010.0.0.0/8"] {
            assert!(sloppy_cidr(text).is_some(), "{text}");
        }
        for text in ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "/8", "10.0.0.0/+8"] {
            assert!(sloppy_cidr(text).is_none(), "{text}");
        }
        let range = sloppy_cidr("10.0.0.0/8").unwrap();
        assert!(range.contains("10.255.0.1".parse().unwrap()) && !range.contains("11.0.0.1".parse().unwrap()));
        assert!(!range.contains("::1".parse().unwrap()));
    }
}

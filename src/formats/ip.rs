//! Addresses and address ranges, as Go reads them.
//!
//! The API server's older fields take IPv4 octets with leading zeros (read as decimal); strict validation, which is on for
//! new objects where the feature `StrictIPCIDRValidation` is, refuses them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    /// The address as written, with its host bits.
    pub address: IpAddr,
    /// How many leading bits belong to the network.
    pub prefix: u8,
}

/// An address, strictly: no leading zeros, no zone, no IPv4-mapped IPv6.
#[must_use]
pub fn strict(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    (!matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some())).then_some(address)
}

/// An address as the older fields take it: leading zeros in IPv4 octets are ignored; an IPv4-mapped IPv6 address counts as
/// IPv4.
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

/// An address range as the older fields take it: host bits may be set.
#[must_use]
pub fn sloppy_cidr(text: &str) -> Option<Cidr> {
    let (address, prefix) = text.split_once('/')?;
    let mapped = address.contains(':') && matches!(sloppy(address), Some(IpAddr::V4(_)));
    let address = sloppy(address)?;
    if prefix.is_empty() || prefix.len() > 3 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let prefix: u8 = prefix.parse().ok()?;
    let most = if address.is_ipv4() && !mapped { 32 } else { 128 };
    if prefix > most {
        return None;
    }
    Some(Cidr { address, prefix: if mapped { prefix.saturating_sub(96) } else { prefix } })
}

impl Cidr {
    /// The first address of the range.
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

    /// Whether an address is in the range; never for one of the other family.
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
    fn addresses() {
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
    fn ranges() {
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

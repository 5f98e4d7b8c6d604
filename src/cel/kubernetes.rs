//! The libraries of Kubernetes: URLs, addresses, quantities, versions and formats.

use std::net::IpAddr;
use std::rc::Rc;

use super::eval::Failure;
use super::functions::texts;
use super::semver::Version;
use super::url::Url;
use super::value::Value;
use crate::formats::go::{decode_base64, is_time as is_go_time};
use crate::formats::ip::{self, Cidr};
use crate::formats::quantity::Quantity;
use crate::formats::{Checked, names};

type Evaluated<'v> = Result<Value<'v>, Failure>;

pub(super) fn call<'v>(name: &str, args: &[Value<'v>]) -> Evaluated<'v> {
    let known = match args {
        [Value::String(text), rest @ ..] => of_text(name, text, rest)?,
        [Value::Url(url)] => of_url(name, url),
        [Value::Ip(address)] => of_address(name, *address),
        [Value::Cidr(cidr), rest @ ..] => of_range(name, *cidr, rest)?,
        [Value::Quantity(quantity), rest @ ..] => of_quantity(name, *quantity, rest)?,
        [Value::Semver(version), rest @ ..] => of_version(name, version, rest),
        [Value::Format(format), Value::String(text)] if name == "validate" => Some(validate(format, text)?),
        [] => name.strip_prefix("format.").and_then(format).map(Value::Format),
        _ => None,
    };
    match known {
        Some(value) => Ok(value),
        None if super::library::function(name).is_some() => Err(Failure::unsupported(format!("`{name}`"))),
        None => Err(Failure::no_overload()),
    }
}

fn address(text: &str) -> Option<IpAddr> {
    ip::strict(text)
}

/// Parses a CIDR block, in which host bits may be set.
fn range(text: &str) -> Option<Cidr> {
    let (address, prefix) = text.split_once('/')?;
    ip::strict(address)?;
    if prefix.len() > 1 && prefix.starts_with('0') {
        return None;
    }
    ip::sloppy_cidr(text)
}

fn or_error<'v, T>(found: Option<T>, make: impl FnOnce(T) -> Value<'v>, message: String) -> Evaluated<'v> {
    found.map(make).ok_or(Failure::Error(message))
}

fn of_text<'v>(name: &str, text: &str, rest: &[Value<'v>]) -> Result<Option<Value<'v>>, Failure> {
    let normalize = matches!(rest, [Value::Bool(true)]);
    Ok(Some(match name {
        "isURL" => Value::Bool(Url::read(text).is_some()),
        "isIP" => Value::Bool(address(text).is_some()),
        "ip.isCanonical" => Value::Bool(address(text).is_some_and(|address| address.to_string() == text)),
        "isCIDR" => Value::Bool(range(text).is_some()),
        "isQuantity" => Value::Bool(Quantity::parse(text).is_some()),
        "isSemver" => Value::Bool(Version::read(text, normalize).is_some()),
        "format.named" => format(text).map_or(Value::Optional(None), |format| Value::some(Value::Format(format))),
        "jsonpatch.escapeKey" => Value::text(text.replace('~', "~0").replace('/', "~1")),
        "url" | "ip" | "cidr" | "quantity" | "semver" => return parsed(name, text, normalize).map(Some),
        _ => return Ok(None),
    }))
}

/// Parses a string as the function of this name does.
pub(super) fn parsed<'v>(name: &str, text: &str, normalize: bool) -> Evaluated<'v> {
    match name {
        "url" => or_error(
            Url::read(text),
            |url| Value::Url(Rc::new(url)),
            format!("URL parse error during conversion from string: {text}"),
        ),
        "ip" => or_error(
            address(text),
            Value::Ip,
            format!("IP Address \"{text}\" parse error during conversion from string"),
        ),
        "cidr" => {
            or_error(range(text), Value::Cidr, "network address parse error during conversion from string".to_owned())
        }
        "quantity" => or_error(
            Quantity::parse(text),
            Value::Quantity,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'".to_owned(),
        ),
        "semver" => or_error(
            Version::read(text, normalize),
            |version| Value::Semver(Rc::new(version)),
            "No Major.Minor.Patch elements found".to_owned(),
        ),
        _ => Err(Failure::no_overload()),
    }
}

fn of_url<'v>(name: &str, url: &Url) -> Option<Value<'v>> {
    Some(match name {
        "getScheme" => Value::text(url.scheme.as_str()),
        "getHost" => Value::text(url.host.as_str()),
        "getHostname" => Value::text(url.host_name()),
        "getPort" => Value::text(url.port()),
        "getEscapedPath" => Value::text(url.escaped_path()),
        "getQuery" => {
            let entries =
                url.query.iter().map(|(name, values)| (Value::text(name.as_str()), texts(values.iter().cloned())));
            Value::Map(Rc::new(entries.collect()))
        }
        _ => return None,
    })
}

fn of_address<'v>(name: &str, address: IpAddr) -> Option<Value<'v>> {
    let is_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    };
    let is_local_multicast = match address {
        IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    };
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    Some(match name {
        "family" => Value::Int(if address.is_ipv4() { 4 } else { 6 }),
        "isUnspecified" => Value::Bool(address.is_unspecified()),
        "isLoopback" => Value::Bool(address.is_loopback()),
        "isLinkLocalMulticast" => Value::Bool(is_local_multicast),
        "isLinkLocalUnicast" => Value::Bool(is_local),
        "isGlobalUnicast" => Value::Bool(
            !(address.is_unspecified() || address.is_loopback() || address.is_multicast() || is_local || is_broadcast),
        ),
        _ => return None,
    })
}

fn of_range<'v>(name: &str, cidr: Cidr, rest: &[Value<'v>]) -> Result<Option<Value<'v>>, Failure> {
    Ok(Some(match (name, rest) {
        ("ip", []) => Value::Ip(cidr.address),
        ("prefixLength", []) => Value::Int(cidr.prefix.into()),
        ("masked", []) => Value::Cidr(Cidr { address: cidr.network(), prefix: cidr.prefix }),
        ("containsIP", [Value::Ip(address)]) => Value::Bool(cidr.contains(*address)),
        ("containsIP", [Value::String(text)]) => match parsed("ip", text, false)? {
            Value::Ip(address) => Value::Bool(cidr.contains(address)),
            _ => return Ok(None),
        },
        ("containsCIDR", [Value::Cidr(other)]) => Value::Bool(holds(cidr, *other)),
        ("containsCIDR", [Value::String(text)]) => match parsed("cidr", text, false)? {
            Value::Cidr(other) => Value::Bool(holds(cidr, other)),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

fn holds(cidr: Cidr, other: Cidr) -> bool {
    other.prefix >= cidr.prefix && cidr.contains(other.address)
}

fn of_quantity<'v>(name: &str, quantity: Quantity, rest: &[Value<'v>]) -> Result<Option<Value<'v>>, Failure> {
    Ok(Some(match (name, rest) {
        ("sign", []) => Value::Int(quantity.cmp(&Quantity::ZERO) as i64),
        ("isInteger", []) => Value::Bool(quantity.to_i64().is_some()),
        ("asInteger", []) => {
            Value::Int(quantity.to_i64().ok_or_else(|| Failure::error("cannot convert value to integer"))?)
        }
        ("asApproximateFloat", []) => Value::Double(quantity.to_f64()),
        ("add", [Value::Quantity(other)]) => Value::Quantity(quantity.plus(*other)),
        ("add", [Value::Int(other)]) => Value::Quantity(quantity.plus(Quantity::whole(*other))),
        ("sub", [Value::Quantity(other)]) => Value::Quantity(quantity.minus(*other)),
        ("sub", [Value::Int(other)]) => Value::Quantity(quantity.minus(Quantity::whole(*other))),
        ("isLessThan", [Value::Quantity(other)]) => Value::Bool(quantity < *other),
        ("isGreaterThan", [Value::Quantity(other)]) => Value::Bool(quantity > *other),
        ("compareTo", [Value::Quantity(other)]) => Value::Int(quantity.cmp(other) as i64),
        _ => return Ok(None),
    }))
}

fn of_version<'v>(name: &str, version: &Version, rest: &[Value<'v>]) -> Option<Value<'v>> {
    let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    Some(match (name, rest) {
        ("major", []) => number(version.major),
        ("minor", []) => number(version.minor),
        ("patch", []) => number(version.patch),
        ("isLessThan", [Value::Semver(other)]) => Value::Bool(version.compare(other).is_lt()),
        ("isGreaterThan", [Value::Semver(other)]) => Value::Bool(version.compare(other).is_gt()),
        ("compareTo", [Value::Semver(other)]) => Value::Int(version.compare(other) as i64),
        _ => return None,
    })
}

/// The formats by name.
const FORMATS: &[&str] = &[
    "byte",
    "date",
    "datetime",
    "dns1035Label",
    "dns1035LabelPrefix",
    "dns1123Label",
    "dns1123LabelPrefix",
    "dns1123Subdomain",
    "dns1123SubdomainPrefix",
    "labelValue",
    "qualifiedName",
    "uri",
    "uuid",
];

fn format(name: &str) -> Option<&'static str> {
    FORMATS.iter().copied().find(|known| *known == name)
}

/// Validates a string against a format: an optional list of messages, which is `none` if it is valid.
fn validate<'v>(format: &str, text: &str) -> Evaluated<'v> {
    let fits = |fits: bool| if fits { Ok(()) } else { Err("does not have the format") };
    let checked: Checked = match format {
        "dns1123Label" => names::dns1123_label(text),
        "dns1123Subdomain" => names::dns1123_subdomain(text),
        "dns1035Label" => names::dns1035_label(text),
        "qualifiedName" => names::qualified_name(text),
        "labelValue" => names::label_value(text),
        "dns1123LabelPrefix" => names::as_prefix(names::dns1123_label, text),
        "dns1123SubdomainPrefix" => names::as_prefix(names::dns1123_subdomain, text),
        "dns1035LabelPrefix" => names::as_prefix(names::dns1035_label, text),
        "uri" => fits(Url::read(text).is_some()),
        "byte" => fits(decode_base64(text).is_some()),
        "date" => fits(is_go_time(&format!("{text}T00:00:00Z"))),
        "datetime" => fits(is_go_time(text)),
        "uuid" => fits(crate::formats::named::is_uuid_of(text, None)),
        _ => return Err(Failure::unsupported(format!("the format `{format}`"))),
    };
    Ok(match checked {
        Ok(()) => Value::Optional(None),
        Err(message) => Value::some(texts([message.to_owned()])),
    })
}

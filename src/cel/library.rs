//! The functions of CEL and of the libraries of Kubernetes, as data.
//!
//! Sources: the standard definitions of CEL, `cel-go/ext` (strings 2, sets, lists 3, two-variable comprehensions), and
//! `k8s.io/apiserver/pkg/cel/library`. A signature is `receiver.(arguments) result`, or without a receiver.

use std::sync::OnceLock;

use foldhash::HashMap;

/// A function: its name, its signatures, and the minor version whose API servers are the first to accept it in new expressions.
struct Row(&'static str, &'static str, u8);

#[rustfmt::skip]
static ROWS: &[Row] = &[
    // Operators.
    Row("_+_", "(int,int) int; (uint,uint) uint; (double,double) double; (string,string) string; (bytes,bytes) bytes; \
                (list<A>,list<A>) list<A>; (timestamp,duration) timestamp; (duration,timestamp) timestamp; \
                (duration,duration) duration", 0),
    Row("_-_", "(int,int) int; (uint,uint) uint; (double,double) double; (timestamp,timestamp) duration; \
                (timestamp,duration) timestamp; (duration,duration) duration", 0),
    Row("_*_", "(int,int) int; (uint,uint) uint; (double,double) double", 0),
    Row("_/_", "(int,int) int; (uint,uint) uint; (double,double) double", 0),
    Row("_%_", "(int,int) int; (uint,uint) uint", 0),
    Row("-_", "(int) int; (double) double", 0),
    Row("!_", "(bool) bool", 0),
    Row("_&&_", "(bool,bool) bool", 0),
    Row("_||_", "(bool,bool) bool", 0),
    Row("_?_:_", "(bool,A,A) A", 0),
    Row("_==_", "(A,A) bool", 0),
    Row("_!=_", "(A,A) bool", 0),
    Row("@in", "(A,list<A>) bool; (A,map<A,B>) bool", 0),
    Row("_[_]", "(list<A>,int) A; (map<A,B>,A) B; (optional<list<A>>,int) optional<A>; (optional<map<A,B>>,A) optional<B>", 0),
    Row("_[?_]", "(list<A>,int) optional<A>; (optional<list<A>>,int) optional<A>; (map<A,B>,A) optional<B>; \
                  (optional<map<A,B>>,A) optional<B>", 0),
    Row("_<_", COMPARED, 0), Row("_<=_", COMPARED, 0), Row("_>_", COMPARED, 0), Row("_>=_", COMPARED, 0),
    // Standard functions.
    Row("size", "(string) int; (bytes) int; (list<A>) int; (map<A,B>) int; string.() int; bytes.() int; list<A>.() int; \
                 map<A,B>.() int", 0),
    Row("type", "(A) type<A>", 0),
    Row("dyn", "(A) dyn", 0),
    Row("bool", "(bool) bool; (string) bool", 0),
    Row("bytes", "(bytes) bytes; (string) bytes", 0),
    Row("double", "(double) double; (int) double; (uint) double; (string) double", 0),
    Row("int", "(int) int; (double) int; (string) int; (uint) int; (timestamp) int; (duration) int", 0),
    Row("uint", "(uint) uint; (double) uint; (int) uint; (string) uint", 0),
    Row("string", "(string) string; (bool) string; (bytes) string; (double) string; (int) string; (uint) string; \
                   (timestamp) string; (duration) string; (kubernetes.IP) string; (kubernetes.CIDR) string", 0),
    Row("timestamp", "(timestamp) timestamp; (string) timestamp; (int) timestamp", 0),
    Row("duration", "(duration) duration; (string) duration; (int) duration", 0),
    Row("contains", "string.(string) bool", 0),
    Row("startsWith", "string.(string) bool", 0),
    Row("endsWith", "string.(string) bool", 0),
    Row("matches", "string.(string) bool; (string,string) bool", 0),
    Row("getFullYear", OF_TIME, 0), Row("getMonth", OF_TIME, 0), Row("getDayOfYear", OF_TIME, 0),
    Row("getDayOfMonth", OF_TIME, 0), Row("getDate", OF_TIME, 0), Row("getDayOfWeek", OF_TIME, 0),
    Row("getHours", OF_BOTH, 0), Row("getMinutes", OF_BOTH, 0), Row("getSeconds", OF_BOTH, 0),
    Row("getMilliseconds", OF_BOTH, 0),
    // Optional values.
    Row("optional.of", "(A) optional<A>", 29),
    Row("optional.ofNonZeroValue", "(A) optional<A>", 29),
    Row("optional.none", "() optional<A>", 29),
    Row("value", "optional<A>.() A", 29),
    Row("hasValue", "optional<A>.() bool", 29),
    Row("or", "optional<A>.(optional<A>) optional<A>", 29),
    Row("orValue", "optional<A>.(A) A", 29),
    // Strings.
    Row("charAt", "string.(int) string", 0),
    Row("indexOf", "string.(string) int; string.(string,int) int; list<A>.(A) int", 0),
    Row("lastIndexOf", "string.(string) int; string.(string,int) int; list<A>.(A) int", 0),
    Row("join", "list<string>.() string; list<string>.(string) string", 0),
    Row("lowerAscii", "string.() string", 0),
    Row("upperAscii", "string.() string", 0),
    Row("trim", "string.() string", 0),
    Row("replace", "string.(string,string) string; string.(string,string,int) string", 0),
    Row("split", "string.(string) list<string>; string.(string,int) list<string>", 0),
    Row("substring", "string.(int) string; string.(int,int) string", 0),
    Row("format", "string.(list<dyn>) string", 30),
    Row("strings.quote", "(string) string", 30),
    // Regular expressions.
    Row("find", "string.(string) string", 0),
    Row("findAll", "string.(string) list<string>; string.(string,int) list<string>", 0),
    // Lists.
    Row("isSorted", "list<int>.() bool; list<uint>.() bool; list<double>.() bool; list<bool>.() bool; list<string>.() bool; \
                     list<bytes>.() bool; list<timestamp>.() bool; list<duration>.() bool", 0),
    Row("sum", "list<int>.() int; list<uint>.() uint; list<double>.() double; list<duration>.() duration", 0),
    Row("min", EXTREME, 0), Row("max", EXTREME, 0),
    Row("slice", "list<A>.(int,int) list<A>", 35),
    Row("flatten", "list<list<A>>.() list<A>; list<dyn>.(int) list<dyn>", 35),
    Row("distinct", "list<A>.() list<A>", 35),
    Row("reverse", "list<A>.() list<A>", 35),
    Row("lists.range", "(int) list<int>", 35),
    Row("sort", "list<int>.() list<int>; list<uint>.() list<uint>; list<double>.() list<double>; list<bool>.() list<bool>; \
                 list<string>.() list<string>; list<bytes>.() list<bytes>; list<timestamp>.() list<timestamp>; \
                 list<duration>.() list<duration>", 35),
    Row("first", "list<A>.() optional<A>", 35),
    Row("last", "list<A>.() optional<A>", 35),
    // Sets.
    Row("sets.contains", "(list<A>,list<A>) bool", 30),
    Row("sets.equivalent", "(list<A>,list<A>) bool", 30),
    Row("sets.intersects", "(list<A>,list<A>) bool", 30),
    // URLs.
    Row("url", "(string) kubernetes.URL", 0),
    Row("isURL", "(string) bool", 0),
    Row("getScheme", "kubernetes.URL.() string", 0), Row("getHost", "kubernetes.URL.() string", 0),
    Row("getHostname", "kubernetes.URL.() string", 0), Row("getPort", "kubernetes.URL.() string", 0),
    Row("getEscapedPath", "kubernetes.URL.() string", 0),
    Row("getQuery", "kubernetes.URL.() map<string,list<string>>", 0),
    // IP addresses and CIDR blocks.
    Row("ip", "(string) kubernetes.IP; kubernetes.CIDR.() kubernetes.IP", 31),
    Row("isIP", "(string) bool", 31),
    Row("ip.isCanonical", "(string) bool", 31),
    Row("family", "kubernetes.IP.() int", 31),
    Row("isUnspecified", "kubernetes.IP.() bool", 31), Row("isLoopback", "kubernetes.IP.() bool", 31),
    Row("isLinkLocalMulticast", "kubernetes.IP.() bool", 31), Row("isLinkLocalUnicast", "kubernetes.IP.() bool", 31),
    Row("isGlobalUnicast", "kubernetes.IP.() bool", 31),
    Row("cidr", "(string) kubernetes.CIDR", 31),
    Row("isCIDR", "(string) bool", 31),
    Row("containsIP", "kubernetes.CIDR.(string) bool; kubernetes.CIDR.(kubernetes.IP) bool", 31),
    Row("containsCIDR", "kubernetes.CIDR.(string) bool; kubernetes.CIDR.(kubernetes.CIDR) bool", 31),
    Row("masked", "kubernetes.CIDR.() kubernetes.CIDR", 31),
    Row("prefixLength", "kubernetes.CIDR.() int", 31),
    // Quantities and versions.
    Row("quantity", "(string) kubernetes.Quantity", 29),
    Row("isQuantity", "(string) bool", 29),
    Row("sign", "(kubernetes.Quantity) int", 29),
    Row("isInteger", "kubernetes.Quantity.() bool", 29),
    Row("asInteger", "kubernetes.Quantity.() int", 29),
    Row("asApproximateFloat", "kubernetes.Quantity.() double", 29),
    Row("add", ADDED, 29), Row("sub", ADDED, 29),
    Row("isLessThan", "kubernetes.Quantity.(kubernetes.Quantity) bool; kubernetes.Semver.(kubernetes.Semver) bool", 29),
    Row("isGreaterThan", "kubernetes.Quantity.(kubernetes.Quantity) bool; kubernetes.Semver.(kubernetes.Semver) bool", 29),
    Row("compareTo", "kubernetes.Quantity.(kubernetes.Quantity) int; kubernetes.Semver.(kubernetes.Semver) int", 29),
    Row("semver", "(string) kubernetes.Semver; (string,bool) kubernetes.Semver", 34),
    Row("isSemver", "(string) bool; (string,bool) bool", 34),
    Row("major", "kubernetes.Semver.() int", 34), Row("minor", "kubernetes.Semver.() int", 34),
    Row("patch", "kubernetes.Semver.() int", 34),
    // Formats.
    Row("format.named", "(string) optional<kubernetes.NamedFormat>", 32),
    Row("validate", "kubernetes.NamedFormat.(string) optional<list<string>>", 32),
    Row("format.dns1123Label", FORMAT, 32), Row("format.dns1123Subdomain", FORMAT, 32), Row("format.dns1035Label", FORMAT, 32),
    Row("format.qualifiedName", FORMAT, 32), Row("format.dns1123LabelPrefix", FORMAT, 32),
    Row("format.dns1123SubdomainPrefix", FORMAT, 32), Row("format.dns1035LabelPrefix", FORMAT, 32),
    Row("format.labelValue", FORMAT, 32), Row("format.uri", FORMAT, 32), Row("format.uuid", FORMAT, 32),
    Row("format.byte", FORMAT, 32), Row("format.date", FORMAT, 32), Row("format.datetime", FORMAT, 32),
    // Authorization.
    Row("path", "kubernetes.authorization.Authorizer.(string) kubernetes.authorization.PathCheck", 28),
    Row("group", "kubernetes.authorization.Authorizer.(string) kubernetes.authorization.GroupCheck", 28),
    Row("serviceAccount", "kubernetes.authorization.Authorizer.(string,string) kubernetes.authorization.Authorizer", 28),
    Row("resource", "kubernetes.authorization.GroupCheck.(string) kubernetes.authorization.ResourceCheck", 28),
    Row("subresource", RESOURCE, 28), Row("namespace", RESOURCE, 28), Row("name", RESOURCE, 28),
    Row("fieldSelector", RESOURCE, 32), Row("labelSelector", RESOURCE, 32),
    Row("check", "kubernetes.authorization.PathCheck.(string) kubernetes.authorization.Decision; \
                  kubernetes.authorization.ResourceCheck.(string) kubernetes.authorization.Decision", 28),
    Row("errored", "kubernetes.authorization.Decision.() bool", 28), Row("error", "kubernetes.authorization.Decision.() string", 28),
    Row("allowed", "kubernetes.authorization.Decision.() bool", 28), Row("reason", "kubernetes.authorization.Decision.() string", 28),
    // Patches.
    Row("jsonpatch.escapeKey", "(string) string", 32),
];

const COMPARED: &str = "(bool,bool) bool; (int,int) bool; (uint,uint) bool; (double,double) bool; (string,string) bool; \
                        (bytes,bytes) bool; (timestamp,timestamp) bool; (duration,duration) bool; (int,double) bool; \
                        (int,uint) bool; (uint,double) bool; (uint,int) bool; (double,int) bool; (double,uint) bool";
const OF_TIME: &str = "timestamp.() int; timestamp.(string) int";
const OF_BOTH: &str = "timestamp.() int; timestamp.(string) int; duration.() int";
const EXTREME: &str = "list<int>.() int; list<uint>.() uint; list<double>.() double; list<bool>.() bool; list<string>.() string; \
                       list<bytes>.() bytes; list<timestamp>.() timestamp; list<duration>.() duration";
const ADDED: &str =
    "kubernetes.Quantity.(kubernetes.Quantity) kubernetes.Quantity; kubernetes.Quantity.(int) kubernetes.Quantity";
const FORMAT: &str = "() kubernetes.NamedFormat";
const RESOURCE: &str = "kubernetes.authorization.ResourceCheck.(string) kubernetes.authorization.ResourceCheck";

/// An overload of a function. The types are strings that `Type::read` parses.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) receiver: Option<&'static str>,
    pub(super) args: Vec<&'static str>,
    pub(super) result: &'static str,
}

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) signatures: Vec<Signature>,
    /// The first minor version whose API servers accept it in new expressions; 0 for all.
    pub(super) since: u8,
}

/// Finds a function by name. The table is parsed on first use.
pub(super) fn function(name: &str) -> Option<&'static Function> {
    functions().get(name)
}

/// The names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.0).filter(|name| !name.starts_with(['_', '@', '-', '!']))
}

fn functions() -> &'static HashMap<&'static str, Function> {
    static FUNCTIONS: OnceLock<HashMap<&'static str, Function>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let function =
            |row: &Row| Function { signatures: row.1.split(';').filter_map(signature).collect(), since: row.2 };
        ROWS.iter().map(|row| (row.0, function(row))).collect()
    })
}

fn signature(text: &'static str) -> Option<Signature> {
    let (receiver, rest) = text.trim().split_once('(')?;
    let (args, result) = rest.split_once(')')?;
    Some(Signature { receiver: receiver.strip_suffix('.'), args: split(args), result: result.trim() })
}

/// Splits at commas outside angle brackets.
fn split(args: &'static str) -> Vec<&'static str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, byte) in args.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&args[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < args.len() {
        parts.push(&args[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cel::types::Type;

    #[test]
    fn the_table_is_well_formed() {
        for row in ROWS {
            assert_eq!(row.1.split(';').count(), functions()[row.0].signatures.len(), "{}", row.0);
            for signature in &functions()[row.0].signatures {
                for text in signature.args.iter().chain(signature.receiver.iter()).chain([&signature.result]) {
                    let is_dyn = matches!(Type::read(text), Type::Dyn);
                    assert!(*text == "dyn" || !is_dyn, "{}: {text}", row.0);
                }
            }
        }
        assert_eq!(functions().len(), ROWS.len(), "a function has two rows");
        assert_eq!(split("map<A,B>,A"), ["map<A,B>", "A"]);
    }
}

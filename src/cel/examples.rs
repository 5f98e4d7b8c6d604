//! Examples of the documentation of CEL and of Kubernetes' libraries, evaluated.
#![allow(clippy::unwrap_used)]

use super::eval::Failure;
use super::value::Value;
use super::{Env, Program, Wanted, check};
use crate::kube::KubernetesVersion;

fn value(text: &str) -> Result<Value<'static>, Failure> {
    let mut left = 100_000;
    Program::new(text).unwrap().evaluate(&[], &mut left)
}

/// Every expression here is true, and compiles.
const TRUE: &[&str] = &[
    // Operators and numbers.
    "1 + 2 * 3 == 7 && 7 / 2 == 3 && -7 % 3 == -1 && 2.0 * 1.5 == 3.0",
    "1 < 2u && 1.5 > 1 && 1 == 1 && dyn(1) == dyn(1.0) && dyn('a') != dyn(1)",
    "false || true && !false",
    "true || 1 / 0 == 1",
    "1 / 0 == 1 || true",
    "!(false && 1 / 0 == 1)",
    "(1 > 2 ? 'a' : 'b') == 'b'",
    "[1, 2] + [3] == [1, 2, 3] && {'a': 1, 'b': 2} == {'b': 2, 'a': 1}",
    "2 in [1, 2] && !('c' in {'a': 1}) && 'a' in {'a': 1}",
    "size('héllo') == 5 && [1, 2].size() == 2 && size({'a': 1}) == 1 && size(b'ab') == 2",
    "type(1) == int && type('a') == string && type([]) == list && type(1.0) != int",
    "int('42') == 42 && double('1.5') == 1.5 && string(1) == '1' && string(true) == 'true' && bool('true')",
    "int(3.9) == 3 && uint(3) == 3u && string(1.5) == '1.5' && bytes('a') == b'a'",
    // Macros.
    "[1, 2, 3].all(x, x > 0) && [1, 2].exists(x, x == 2) && [1, 2, 2].exists_one(x, x == 1) && ![1, 1].exists_one(x, x == 1)",
    "[1, 2, 3].map(x, x * 2) == [2, 4, 6] && [1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
    "[1, 2, 3].filter(x, x % 2 == 1) == [1, 3] && {'a': 1, 'b': 2}.filter(k, k == 'a') == ['a']",
    "has({'a': 1}.a) && !has({'a': 1}.b)",
    "[0, 1].exists(x, 1 / x == 1)",
    "[1, 2, 3].all(i, v, i < v) && {'a': 1}.exists(k, v, k == 'a' && v == 1) && [5, 6].existsOne(i, v, i == 1 && v == 6)",
    "[1, 2, 3].transformList(i, v, i * v) == [0, 2, 6] && [1, 2, 3].transformList(i, v, i > 0, v) == [2, 3]",
    "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2} && {'a': 'b'}.transformMapEntry(k, v, {v: k}) == {'b': 'a'}",
    // Optional values.
    "optional.of(1).value() == 1 && !optional.none().hasValue() && optional.ofNonZeroValue(0) == optional.none()",
    "{'a': {'b': 1}}.?a.?b.orValue(2) == 1 && {'a': {'b': 1}}.?c.?b.orValue(2) == 2 && [1][?3].orValue(7) == 7",
    "optional.of(1).optMap(x, x + 1) == optional.of(2) && optional.none().or(optional.of(1)).value() == 1",
    "[?optional.of(1), ?optional.none(), 2] == [1, 2] && {?'a': optional.none()} == {}",
    // Strings.
    "'hello'.charAt(4) == 'o' && 'hello'.charAt(5) == '' && 'hello mellow'.indexOf('ello', 2) == 7",
    "'hello mellow'.indexOf('jello') == -1 && 'hello mellow'.lastIndexOf('ello') == 7 && 'hello mellow'.lastIndexOf('ello', 6) == 1",
    "['hello', 'mellow'].join() == 'hellomellow' && ['hello', 'mellow'].join(' ') == 'hello mellow' && [].join('/') == ''",
    "'TacoCat'.lowerAscii() == 'tacocat' && 'TacoCÆt Xii'.lowerAscii() == 'tacocÆt xii' && 'TacoCat'.upperAscii() == 'TACOCAT'",
    "'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'",
    "'hello hello'.replace('he', 'we', 0) == 'hello hello'",
    "'hello hello hello'.split(' ', 2) == ['hello', 'hello hello'] && 'abc'.split('') == ['a', 'b', 'c'] && 'a b'.split(' ', 0) == []",
    "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && '  \\ttrim\\n    '.trim() == 'trim'",
    "'%s: %d, %.2f, %x, %%'.format(['a', 1, 1.5, 255]) == 'a: 1, 1.50, ff, %' && '%s'.format([[1, 'b']]) == '[1, b]'",
    "strings.quote('single-quote with \"double quote\"') == '\"single-quote with \\\\\"double quote\\\\\"\"'",
    "'abc'.matches('^a.c$') && matches('abc', 'b') && 'abc 123'.find('[0-9]+') == '123' && 'abc 123'.find('xyz') == ''",
    "'123 abc 456'.findAll('[0-9]+') == ['123', '456'] && '123 abc 456'.findAll('[0-9]+', 1) == ['123']",
    // Lists and sets.
    "[1, 2, 3].isSorted() && !['b', 'a'].isSorted() && [1, 3].sum() == 4 && [1.0, 3.0].sum() == 4.0 && [].sum() == 0",
    "[1, 3].min() == 1 && ['b', 'a'].max() == 'b' && [1, 2, 2, 3].indexOf(2) == 1 && ['a', 'b', 'b'].lastIndexOf('b') == 2",
    "[1, 2, 3, 4].slice(1, 3) == [2, 3] && [[1], [2, 3]].flatten() == [1, 2, 3] && [1, 2, 2].distinct() == [1, 2]",
    "[5, 3].reverse() == [3, 5] && [3, 1, 2].sort() == [1, 2, 3] && lists.range(3) == [0, 1, 2]",
    "['bb', 'a'].sortBy(x, size(x)) == ['a', 'bb'] && [1].first() == optional.of(1) && [].last() == optional.none()",
    "sets.contains([1, 2, 3], [2, 3]) && sets.equivalent([1], [1, 1]) && sets.intersects([1], [1, 2]) && !sets.intersects([1], [])",
    // Times.
    "timestamp('2026-11-29T10:20:30Z').getFullYear() == 2026 && timestamp('2026-11-29T10:20:30Z').getMonth() == 10",
    "timestamp('2026-11-29T23:00:00Z').getHours('+02:00') == 1 && timestamp('2026-11-29T00:00:00Z').getDayOfWeek() == 0",
    "timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z') == duration('24h') && duration('90m').getHours() == 1",
    "string(duration('1h30m')) == '5400s' && string(timestamp('2026-01-01T01:00:00+01:00')) == '2026-01-01T00:00:00Z'",
    "timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp('2026-01-01T00:00:00Z')",
    // URLs.
    "isURL('https://user:pass@example.com:80/path?query=val#fragment') && isURL('/absolute-path') && !isURL('https://a:b:c/')",
    "!isURL('../relative-path') && url('https://example.com:80/').getHost() == 'example.com:80'",
    "url('https://[::1]:80/').getHostname() == '::1' && url('https://example.com:80/').getPort() == '80' && url('/path').getHost() == ''",
    "url('https://example.com/path with spaces/').getEscapedPath() == '/path%20with%20spaces/' && url('/path').getScheme() == ''",
    "url('https://example.com/path?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}",
    // Addresses.
    "isIP('127.0.0.1') && isIP('::1') && !isIP('127.0.0.256') && !isIP(':::1') && ip('127.0.0.1') == ip('127.0.0.1')",
    "ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD') && ip('::1').family() == 6 && ip('127.0.0.1').family() == 4",
    "ip('0.0.0.0').isUnspecified() && ip('127.0.0.1').isLoopback() && ip('224.0.0.1').isLinkLocalMulticast()",
    "ip('169.254.169.254').isLinkLocalUnicast() && ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()",
    "isCIDR('192.168.0.0/16') && isCIDR('::1/128') && !isCIDR('192.168.0.0/33') && cidr('192.168.0.0/24').containsIP('192.168.0.1')",
    "cidr('192.168.0.0/24').containsCIDR('192.168.0.0/25') && !cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.0/23'))",
    "cidr('192.168.0.1/24').ip() == ip('192.168.0.1') && cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')",
    "cidr('192.168.0.0/24').prefixLength() == 24 && string(cidr('192.168.0.0/24')) == '192.168.0.0/24'",
    // Quantities.
    "isQuantity('1.3G') && isQuantity('1.3Gi') && !isQuantity('1,3G') && isQuantity('10000k') && !isQuantity('200K') && !isQuantity('Three')",
    "quantity('50000000G').isInteger() && quantity('50k').asInteger() == 50000 && quantity('500M').isGreaterThan(quantity('50k'))",
    "quantity('200M').compareTo(quantity('0.2G')) == 0 && quantity('50Mi').isLessThan(quantity('100Mi')) && sign(quantity('-5')) == -1",
    "quantity('50k').add(20) == quantity('50020') && quantity('50k').sub(quantity('20k')) == quantity('30k')",
    "quantity('1.5').asApproximateFloat() == 1.5",
    // Versions.
    "isSemver('1.0.0') && !isSemver('v1.0') && isSemver('v1.0', true) && semver('1.2.3').major() == 1 && semver('1.2.3').patch() == 3",
    "semver('1.2.3').compareTo(semver('1.2.4')) < 0 && semver('1.0.0').isGreaterThan(semver('1.0.0-beta'))",
    "semver('1.0.0-alpha.2').isLessThan(semver('1.0.0-alpha.11')) && semver('v01.2', true) == semver('1.2.0')",
    // Formats.
    "!format.dns1123Label().validate('my-label-name').hasValue() && format.dns1123Label().validate('Contains a space').hasValue()",
    "!format.named('uuid').value().validate('123e4567-e89b-12d3-a456-426614174000').hasValue() && !format.named('x').hasValue()",
    "format.qualifiedName().validate('a/b/c').hasValue() && !format.date().validate('2021-01-01').hasValue()",
];

#[test]
fn the_examples_of_the_documentation_are_true() {
    let env = Env::new(KubernetesVersion::default());
    for text in TRUE {
        assert_eq!(
            check(text, &env, Wanted::Bool).map(|ty| ty.to_string()).map_err(|f| f[0].message.clone()),
            Ok("bool".into()),
            "{text}"
        );
        assert!(matches!(value(text), Ok(Value::Bool(true))), "{text}: {:?}", value(text));
    }
}

#[test]
fn what_fails_on_the_server_fails_here() {
    for (text, message) in [
        ("1 / 0", "division by zero"),
        ("1 % 0", "modulus by zero"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("[1][1]", "index out of bounds: 1"),
        ("{'a': 1}.b", "no such key: b"),
        ("{'a': 1}['b']", "no such key: b"),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
        ("[].max()", "max called on empty list"),
        ("int('x')", "type conversion error from 'string' to 'int'"),
        ("optional.none().value()", "optional.none() dereference"),
        ("true && dyn(1)", "no such overload"),
        (
            "quantity('x')",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
    ] {
        assert_eq!(value(text).unwrap_err(), Failure::Error(message.to_owned()), "{text}");
    }
}

#[test]
fn what_is_not_implemented_is_said() {
    for text in [
        "timestamp('2026-01-01T00:00:00Z').getHours('Europe/Berlin')",
        "'a'.matches('\\\\pL')",
        "'%e'.format([1.0])",
        "string(1e300)",
        "authorizer.check('get')",
    ] {
        assert!(value(text).is_err(), "{text}");
    }
    assert!(matches!(value("'a'.matches('\\\\pL')"), Err(Failure::Unsupported(_))));
}

#[test]
fn evaluation_ends() {
    let wide = format!("[{}]", vec!["1"; 1000].join(","));
    let text = format!("{wide}.all(a, {wide}.all(b, {wide}.all(c, a + b + c > 0)))");
    assert_eq!(value(&text).unwrap_err(), Failure::Spent);
    let doubled = "'aaaaaaaaaaaaaaaa'".to_owned() + &".replace('a', 'aaaaaaaaaaaaaaaa')".repeat(12);
    assert_eq!(value(&doubled).unwrap_err(), Failure::Spent);
    let shared = "[1]".to_owned() + &".map(x, [x, x])".repeat(90) + ".distinct() == [1]";
    assert_eq!(value(&shared).unwrap_err(), Failure::Spent);
    assert!(value(&vec!["1"; 900].join(" + ")).is_ok());
}

//! Expressions that compile, and the messages of the API server for those that do not.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use super::{Bounds, Device, Env, Object, Type, Wanted, check, cost, declared, names};
use crate::kube::KubernetesVersion;

fn env() -> Env<'static> {
    let of = |name: &str| Type::Object(Object::Declared(declared(name).unwrap()));
    Env::new(KubernetesVersion::default())
        .with("object", Type::Dyn)
        .with("request", of("kubernetes.AdmissionRequest"))
        .with("namespaceObject", of("kubernetes.Namespace"))
        .with("device", of("DRADevice"))
        .with("authorizer", Type::Opaque("kubernetes.authorization.Authorizer"))
        .with("list", Type::list(Type::Int))
        .with("map", Type::map(Type::String, Type::Int))
        .with("text", Type::String)
        .with("time", Type::Timestamp)
}

/// The type of an expression, or what is wrong with it.
fn result(text: &str) -> String {
    match check(text, &env(), Wanted::Any) {
        Ok(ty) => ty.to_string(),
        Err(faults) => faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn expressions_have_types() {
    for (text, ty) in [
        ("1 + 2", "int"),
        ("1u * 2u", "uint"),
        ("1.5 / 2.0", "double"),
        ("-1", "int"),
        ("'a' + 'b'", "string"),
        ("[1, 2] + [3]", "list(int)"),
        ("[]", "list(dyn)"),
        ("{'a': 1}", "map(string, int)"),
        ("1 < 2 && 1.0 >= 2", "bool"),
        ("1 == 1 ? 'a' : 'b'", "string"),
        ("object.spec.replicas", "dyn"),
        ("object.spec.replicas > 1", "bool"),
        ("request.kind.group", "string"),
        ("has(request.name)", "bool"),
        ("namespaceObject.metadata.labels['a']", "string"),
        ("list.all(x, x > 0)", "bool"),
        ("list.exists(i, x, i == x)", "bool"),
        ("list.map(x, string(x))", "list(string)"),
        ("list.map(x, x > 1, x * 2)", "list(int)"),
        ("list.filter(x, x > 1)", "list(int)"),
        ("map.all(key, key == 'a')", "bool"),
        ("map.all(key, value, value > 1)", "bool"),
        ("list.transformList(i, x, string(x))", "list(string)"),
        ("map.transformMap(k, v, v + 1)", "map(string, int)"),
        ("map.transformMapEntry(k, v, {v: k})", "map(int, string)"),
        ("text.split(',').join('-')", "string"),
        ("text.matches('^a+$')", "bool"),
        ("text.find('[0-9]+')", "string"),
        ("size(text) + list.size()", "int"),
        ("list.sum() + list.max()", "int"),
        ("type(text) == string", "bool"),
        ("dyn(1) == 'a'", "bool"),
        ("1 in list && 'a' in map", "bool"),
        ("list[0] + map['a']", "int"),
        ("list[?0].orValue(1)", "int"),
        ("optional.of(1).hasValue()", "bool"),
        ("optional.of(1).optMap(x, x + 1).value()", "int"),
        ("object.?spec.?replicas.orValue(1)", "dyn"),
        ("optional.none().orValue(1)", "int"),
        ("quantity('1Gi').isGreaterThan(quantity('1Mi'))", "bool"),
        ("quantity('1').add(2).asInteger()", "int"),
        ("ip('10.0.0.1').family()", "int"),
        ("cidr('10.0.0.0/8').containsIP('10.0.0.1')", "bool"),
        ("string(cidr('10.0.0.0/8').ip())", "string"),
        ("url('https://a').getQuery()", "map(string, list(string))"),
        ("semver('1.2.3').major()", "int"),
        ("format.dns1123Label().validate(text)", "optional_type(list(string))"),
        ("format.named('uuid').value().validate(text)", "optional_type(list(string))"),
        ("sets.contains([1], list)", "bool"),
        ("authorizer.group('').resource('pods').namespace('a').check('get').allowed()", "bool"),
        ("time.getFullYear() + duration('1h').getHours()", "int"),
        ("time + duration('1h') > timestamp('2026-01-01T00:00:00Z')", "bool"),
        ("device.attributes['a'].numa == 1", "bool"),
        ("device.capacity['a'].memory.compareTo(quantity('1Gi'))", "int"),
        ("null", "null"),
        ("request.userInfo.extra['a'][0]", "string"),
        ("[1, 2].sort().reverse()", "list(int)"),
        ("object == null", "bool"),
        ("'%s %d'.format(['a', 1])", "string"),
        ("b'a'", "bytes"),
        ("[object.a, object.b]", "list(dyn)"),
    ] {
        assert_eq!(result(text), ty, "{text}");
    }
}

#[test]
fn messages_are_those_of_the_api_server() {
    for (text, message) in [
        ("x", "undeclared reference to 'x' (in container '')"),
        ("request.nam", "undefined field 'nam'"),
        ("has(request.nam)", "undefined field 'nam'"),
        ("1 + 'a'", "found no matching overload for '_+_' applied to '(int, string)'"),
        ("text.size", "type 'string' does not support field selection"),
        ("text.foo()", "undeclared reference to 'foo' (in container '')"),
        ("text.startsWith(1)", "found no matching overload for 'startsWith' applied to 'string.(int)'"),
        ("size(1)", "found no matching overload for 'size' applied to '(int)'"),
        ("1 && true", "expected type 'bool' but found 'int'"),
        ("true && [1] || 1", "expected type 'bool' but found 'list(int)'; expected type 'bool' but found 'int'"),
        ("'%d %d'.format([1])", "error during formatting: index 1 out of range"),
        (
            "'%d'.format(['a'])",
            "error during formatting: decimal clause can only be used on integers, was given string",
        ),
        ("'a' == 1", "found no matching overload for '_==_' applied to '(string, int)'"),
        ("1 == null", "found no matching overload for '_==_' applied to '(int, null)'"),
        ("[1, 'a']", "expected type 'int' but found 'string'"),
        ("list.all(x, x)", "expected type 'bool' but found 'int'"),
        ("list.all(1, true)", "argument must be a simple name"),
        ("has(text)", "invalid argument to has() macro"),
        (
            "text.all(x, true)",
            "expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)",
        ),
        ("list.all(x, x > 0) && x", "undeclared reference to 'x' (in container '')"),
        ("true ? 1 : 'a'", "found no matching overload for '_?_:_' applied to '(bool, int, string)'"),
        ("text.matches('(')", "invalid matches argument: missing closing )"),
        ("duration('1 hour')", "invalid duration argument"),
        ("timestamp('yesterday')", "invalid timestamp argument"),
        ("map[1]", "found no matching overload for '_[_]' applied to '(map(string, int), int)'"),
        ("Object{}", "undeclared reference to 'Object' (in container '')"),
        ("1 +", "Syntax error: unexpected end of expression, expected an expression"),
        (
            "jsonpatch.escape('a')",
            "undeclared reference to 'jsonpatch' (in container ''); undeclared reference to 'escape' (in container '')",
        ),
    ] {
        assert_eq!(result(text), message, "{text}");
    }
    // Each version has the functions of its release.
    let old = Env::new(KubernetesVersion::OLDEST);
    assert!(check("semver('1.0.0').major()", &old, Wanted::Any).is_err());
    assert!(check("quantity('1')", &old, Wanted::Any).is_ok());
}

#[test]
fn positions_and_suggestions() {
    let fault = |text: &str| check(text, &env(), Wanted::Any).unwrap_err().remove(0);
    assert_eq!((fault("1 == reqest").at, fault("1 == reqest").help.as_str()), (5, "did you mean `request`?"));
    assert_eq!((fault("request.nam").at, fault("request.nam").help.as_str()), (7, "did you mean `name`?"));
    assert_eq!(fault("text.startWith('a')").help, "did you mean `startsWith`?");
}

#[test]
fn results_have_the_required_type() {
    let says = |text: &str, wanted| check(text, &env(), wanted).map_err(|faults| faults[0].message.clone()).err();
    assert_eq!(says("true", Wanted::Bool), None);
    assert_eq!(says("1", Wanted::Bool).as_deref(), Some("must evaluate to bool but got int"));
    assert_eq!(says("object", Wanted::Bool).as_deref(), Some("must evaluate to bool but got dyn"));
    assert_eq!(says("null", Wanted::StringOrNull), None);
    assert_eq!(says("null", Wanted::String).as_deref(), Some("must evaluate to string but got null_type"));
    let making = env().making_objects();
    let says = |text: &str, wanted| check(text, &making, wanted).map_err(|faults| faults[0].message.clone()).err();
    assert_eq!(says("Object{spec: Object.spec{replicas: 1}}", Wanted::Object), None);
    assert_eq!(says("Object.spec{}", Wanted::Object).as_deref(), Some("must evaluate to Object but got Object.spec"));
    assert_eq!(
        says("[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c'), value: 1}]", Wanted::Patches),
        None
    );
    assert_eq!(says("[JSONPatch{up: 'add'}]", Wanted::Patches).as_deref(), Some("undefined field 'up'"));
    assert_eq!(
        says("[JSONPatch{op: 1}]", Wanted::Patches).as_deref(),
        Some("expected type of field 'op' is 'string' but provided type is 'int'")
    );
}

#[test]
fn referenced_variables_are_found() {
    assert!(names("self == oldSelf", "oldSelf") && names("[1].all(x, oldSelf.a == x)", "oldSelf"));
    assert!(!names("self.oldSelf", "oldSelf") && !names("self ==", "oldSelf"));
}

#[test]
fn long_expressions_are_checked_quickly() {
    assert_eq!(result(&vec!["1"; 1000].join(" + ")), "int");
    // The type of an expression beyond the limits is unknown.
    assert_eq!(result(&vec!["1"; 20_000].join(" + ")), "dyn");
    assert_eq!(result(&("a".to_owned() + &".a".repeat(20_000))), "dyn");
    assert_eq!(result(&format!("[{}]", vec!["1"; 20_000].join(","))), "list(int)");
    // Each step doubles the size of the type.
    assert!(check(&("list".to_owned() + &".map(x, {x: x})".repeat(90)), &env(), Wanted::Any).is_ok());
    let nested = "list.map(x, ".repeat(30) + "x" + &")".repeat(30);
    assert!(result(&nested).starts_with("list(list("));
}

/// The costs of device selectors, as `compile_test.go` of `k8s.io/dynamic-resource-allocation/cel` has it.
#[test]
fn selectors_of_devices_cost_what_the_server_estimates() {
    let of = |name: &str| Type::Object(Object::Declared(declared(name).unwrap()));
    let env = Env::new(KubernetesVersion::default()).with("device", of("DRADevice")).binding();
    let cost = |text: &str| {
        assert!(check(text, &env, Wanted::Any).is_ok(), "{text}");
        cost(text, &env, Bounds::Device(Device::Whole), &Cell::new(1))
    };
    let own = |rest: &str| format!("device.attributes['dra.example.com']{rest}");
    let capacity = |rest: &str| format!("device.capacity['dra.example.com']{rest}");
    for (text, expected) in [
        ("true".to_owned(), 0),
        (own(".noSuchAttr.isGreaterThan(quantity('0'))"), 6),
        (own("['noSuchAttr'].isGreaterThan(quantity('0'))"), 6),
        ("'dra.example.com' in device.attributes".to_owned(), 3),
        ("device.driver == ''".to_owned(), 2),
        ("device.driver == 'dra.example.com'".to_owned(), 4),
        ("device.allowMultipleAllocations == true".to_owned(), 3),
        (own(".name"), 4),
        (own("['name']"), 4),
        (format!("cel.bind(dra, {}, dra.name)", own("")), 15),
        (own(".name > 0"), 5),
        (own(".name == 'fish'"), 5),
        (own(".name.isGreaterThan(semver('0.0.1'))"), 6),
        (own(".name.isGreaterThan(semver('v0.0.1', true)) && isSemver('v1.0.0', true)"), 7),
        (capacity(".name.isGreaterThan(quantity('1Ki'))"), 6),
        (format!("'name' in {} && {}", capacity(""), capacity(".name.isGreaterThan(quantity('1Ki'))")), 10),
        (format!("!('name' in {}) || {}", capacity(""), capacity(".name.isGreaterThan(quantity('1Ki'))")), 11),
        (format!("{} && {} && {}", own(".a"), own(".b"), own(".c")), 12),
        ("device.attributes.exists_one(x, x == 'dra.example.com')".to_owned(), 164),
        (own(".exists_one(x, x == 'services')"), 133),
        ("device.capacity.exists_one(x, x == 'dra.example.com')".to_owned(), 164),
        (capacity(".exists_one(x, x == 'memory')"), 133),
        (own(".services.split('example').size() >= 2"), 19),
        (own(".services.matches('[^a]?sym')"), 18),
        (
            ["x", "y", "z", "z2", "z3", "z4", "z5"]
                .iter()
                .rfold("int('1'.find('[0-9]*')) < 100".to_owned(), |inner, name| {
                    format!("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all({name}, {inner})")
                }),
            85_555_551,
        ),
    ] {
        assert_eq!(cost(&text), Some(expected), "{text}");
    }
    assert!(result("cel.bind(a, 1, a + 1)").contains("undeclared reference to 'cel'"));
    let bound = |text: &str| check(text, &env, Wanted::Bool).map(|_| ()).map_err(|faults| faults[0].message.clone());
    assert_eq!(bound("cel.bind(a, device.driver, a == 'x')"), Ok(()));
    assert!(bound("cel.bind(a, device.driver, a)").is_err());
    assert!(bound("cel.bind(a, device.driver, b == 'x')").unwrap_err().contains("undeclared reference to 'b'"));
}

/// What cel-go's estimators make of loops over two variables and of functions of lists: the sums are worked out by hand from
/// `checker/cost.go`, `ext/lists.go` and `ext/comprehensions.go`.
#[test]
fn loops_and_lists_cost_what_the_server_estimates() {
    let cost = |text: &str| {
        let env = env();
        assert!(check(text, &env, Wanted::Any).is_ok(), "{text}");
        cost(text, &env, Bounds::Device(Device::Whole), &Cell::new(1))
    };
    for (text, expected) in [
        // A list of three costs 10; each turn names the item and compares it.
        ("[1, 2, 3].all(x, x > 0)", 10 + 1 + 3 * (3 + 2)),
        ("[1, 2, 3].all(i, x, x > i)", 10 + 1 + 3 * (3 + 3)),
        ("[1, 2, 3].exists(i, x, x > i)", 10 + 1 + 3 * (4 + 3)),
        ("[1, 2, 3].existsOne(i, x, x > i)", 10 + 2 + 3 * (2 + 3)),
        ("[1, 2, 3].transformList(i, x, x)", 10 + 10 + 1 + 3 * (12 + 1)),
        ("[1, 2, 3].transformList(i, x, x > 1, x)", 10 + 10 + 1 + 3 * (12 + 1 + 2)),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v)", 30 + 30 + 1 + 2 * (3 + 1)),
        ("{'a': 1, 'b': 2}.transformMapEntry(k, v, {v: k})", 30 + 30 + 1 + 2 * (2 + 32)),
        // A function that makes a list costs 11 and its elements.
        ("[1, 2, 3].slice(1, 3)", 10 + 11 + 2),
        ("lists.range(5)", 11 + 5),
        ("lists.range(size(text))", u64::MAX),
        ("[1, 2, 3].reverse()", 10 + 11 + 3),
        ("[[1], [2]].flatten()", 30 + 11 + 2),
        ("[1, 2, 3].distinct()", 10 + 11 + 18),
        ("[1, 2, 3].sort()", 10 + 11 + 18),
        ("['a', 'b', 'c'].sort()", 10 + 11 + 19),
        ("[1, 2, 3].first()", 10 + 1),
        // Sorting makes a list as long as it has comparisons.
        ("[1, 2, 3].sort().reverse()", 10 + 11 + 18 + 11 + 9),
        ("[1, 2, 3].sortBy(x, x)", 10 + 10 + 1 + (1 + 10 + 1 + 3 * (12 + 1)) + 11 + 18),
        ("['a', 'b'].sortBy(x, x)", 10 + 10 + 1 + (1 + 10 + 1 + 2 * (12 + 1)) + 11 + 9),
    ] {
        assert_eq!(cost(text), Some(expected), "{text}");
    }
}

//! Expansion of `$(NAME)` in variables and arguments, like in the kubelet.

use std::borrow::Cow;
use std::ops::Range;

use foldhash::{HashMap, HashMapExt};

use crate::graph::EnvVar;
use crate::node::Node;

/// The maximum number of bytes inserted by expansion in a string, or in all variables of a container, since nested
/// references grow exponentially.
const MAX_EXPANSION: usize = 1 << 14;

/// The variables referenced as `$(NAME)` in a string, with their byte ranges. `$$` is an escaped dollar sign.
pub(crate) fn references(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += text[at..].find('$')?;
            let rest = &text[at + 1..];
            let Some(inner) = rest.strip_prefix('(') else {
                at += if rest.starts_with('$') { 2 } else { 1 };
                continue;
            };
            let (name, _) = inner.split_once(')')?;
            let start = at;
            at += "$()".len() + name.len();
            return Some((start..at, name));
        }
    })
}

/// Expands `$(NAME)` in a string if the variable is known.
pub(super) fn expand<'t, 'v>(text: &'t str, value: impl Fn(&str) -> Option<&'v str>) -> Cow<'t, str> {
    expand_within(text, &mut Some(MAX_EXPANSION), value)
}

/// `room` is the number of bytes that may still be inserted; it becomes `None` if a value does not fit.
fn expand_within<'t, 'v>(
    text: &'t str,
    room: &mut Option<usize>,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Cow<'t, str> {
    if !text.as_bytes().contains(&b'$') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        if let Some(inner) = tail.strip_prefix("$(") {
            rest = tail;
            let Some((name, after)) = inner.split_once(')') else { break };
            match (value(name), room.as_mut()) {
                (Some(value), Some(left)) if value.len() <= *left => {
                    *left -= value.len();
                    out.push_str(value);
                }
                // Like the kubelet, unknown references are kept.
                (value, _) => {
                    out.push_str(&tail[..tail.len() - after.len()]);
                    if value.is_some() {
                        *room = None;
                    }
                }
            }
            rest = after;
        } else {
            out.push('$');
            rest = tail.strip_prefix("$$").unwrap_or(&tail[1..]);
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The values of variables. A `value` in `env` is expanded with the preceding variables; values from Secrets and
/// ConfigMaps are not expanded.
pub(super) fn values<'a>(env: &[EnvVar<'a>]) -> Vec<Option<Cow<'a, str>>> {
    let mut texts: Vec<Option<Cow<'a, str>>> = Vec::with_capacity(env.len());
    let mut known: HashMap<&str, usize> = HashMap::with_capacity(env.len());
    let mut room = Some(MAX_EXPANSION);
    for (at, var) in env.iter().enumerate() {
        let text = var.value.and_then(Node::as_str).map(|text| match var.entry["value"].is_null() {
            true => Cow::Borrowed(text),
            false => expand_within(text, &mut room, |name| texts[*known.get(name)?].as_deref()),
        });
        // After the limit was exceeded, expanded values are not known.
        texts.push(text.filter(|text| room.is_some() || matches!(text, Cow::Borrowed(_))));
        known.insert(&var.name, at);
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::object::Object;
    use crate::source::FileId;
    use crate::yaml::{self, Dialect};

    /// The expanded values of `env`, a YAML list, and of an argument.
    fn expanded(env: &str, argument: &str) -> (Vec<String>, String) {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, env: {env}}}]}}\n"
        );
        let node = yaml::load_text(&text, FileId(0), Dialect::Strict).documents.remove(0);
        let objects = [Object::new(node)];
        let services = crate::service::Services::default();
        let graph = Graph::build(&objects, &services, &[], &[]);
        let container = &graph.pods[0].containers[0];
        let texts = container.env.iter().map(|var| var.text.as_deref().unwrap_or("?").to_owned()).collect();
        (texts, container.expand(argument).into_owned())
    }

    #[test]
    fn variables_are_expanded_with_preceding_ones() {
        let env = "[{name: A, value: one}, {name: A, value: $(A)two}, {name: B, value: $$(A)-$(A)-$(C)}, {name: C, value: x}]";
        let (texts, argument) = expanded(env, "$(B) $(C) $(D) $(cat $(C)) $($");
        assert_eq!(texts, ["one", "onetwo", "$(A)-onetwo-$(C)", "x"]);
        assert_eq!(argument, "$(A)-onetwo-$(C) x $(D) $(cat $(C)) $($");
    }

    #[test]
    fn references_are_found_like_in_the_kubelet() {
        let found = |text| references(text).map(|(range, name)| (range.start, name)).collect::<Vec<_>>();
        assert_eq!(found("a$(B)-$(C)"), [(1, "B"), (6, "C")]);
        assert_eq!(found("$$(B) $$$(C) $ $D $(open"), [(8, "C")]);
        assert_eq!(found("é$(B)$"), [(2, "B")]);
    }

    #[test]
    fn nested_expansion_is_limited() {
        let many = |name: String| format!("$({name})").repeat(40);
        let chain = |first: &str| {
            let links = (1..20).map(|at| format!("{{name: A{at}, value: {}}}", many(format!("A{}", at - 1))));
            format!("[{{name: A0, value: \"{first}\"}}, {}]", links.collect::<Vec<_>>().join(", "))
        };
        // The result is empty, but a naive expansion takes 40^19 steps.
        let (texts, argument) = expanded(&chain(""), "$(A19)");
        assert!(texts.iter().all(String::is_empty) && argument.is_empty());
        let (texts, argument) = expanded(&chain("x"), &many("A2".to_owned()));
        assert_eq!(texts[2].len(), 40 * 40);
        assert!(texts[3..].iter().all(|text| text == "?"));
        assert!(texts.iter().map(String::len).sum::<usize>() < 2 * MAX_EXPANSION);
        assert!(argument.len() < 2 * MAX_EXPANSION);
    }
}

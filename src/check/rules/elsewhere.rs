//! Findings that no rule makes: they come from reading texts, profiles and templates, from holding manifests against a
//! profile, and from comparing two states.

/// A finding of no rule: what it says, and what to do about it.
#[derive(Debug)]
pub struct Elsewhere {
    /// Kebab-case, names the fault.
    pub id: &'static str,
    /// One line: the fault.
    pub summary: &'static str,
    /// What it means and how to mend it.
    pub doc: &'static str,
}

const fn row(id: &'static str, summary: &'static str, doc: &'static str) -> Elsewhere {
    Elsewhere { id, summary, doc }
}

/// All of them, sorted by id.
pub static ELSEWHERE: &[Elsewhere] = &[
    row(
        "change-renames",
        "an object stays behind under its old name, or clients must follow to another address",
        "`kubectl apply` deletes nothing. Delete the old object, or prune by label; tell the clients.",
    ),
    row(
        "change-restarts",
        "pods restart, or keep what changed until they do; Jobs run again",
        "A pod template that changes rolls its pods; a ConfigMap that changes does not, unless a checksum annotation follows it.",
    ),
    row(
        "change-shrinks",
        "there is less than before: replicas, storage, allowed traffic or permissions",
        "What relied on it may stop working when the change is applied.",
    ),
    row(
        "content-name-circle",
        "objects named by their content refer to each other in a circle",
        "A name that carries a hash of the content cannot depend on itself. Take `$contentName` off one of them.",
    ),
    row(
        "environment-not-found",
        "a profile has no such environment",
        "The environments of a profile are the keys of `environments` in the profile and in `base.yaml`.",
    ),
    row(
        "file-not-found",
        "a file that is named is not there",
        "Paths in a project are relative to its folder; `$file` is relative to `templates/`.",
    ),
    row(
        "file-outside-project",
        "a file lies outside the project",
        "Only files inside the project's folder are read, links resolved; a folder of migrations may lie anywhere in its Git work tree.",
    ),
    row("file-unreadable", "a file cannot be read", "Files are UTF-8 text of at most 64 MiB."),
    row(
        "graph-too-large",
        "there is too much for a picture",
        "Ten thousand objects and as many references are the bound.",
    ),
    row(
        "kind-config-duplicate",
        "the templates make two configs of a kind cluster",
        "One document of `kind.x-k8s.io` with `kind: Cluster` tells what the bundle's cluster maps.",
    ),
    row(
        "kind-config-missing",
        "the bundle is for no kind cluster",
        "`plimsoll kind` prints the config that the templates make for the environment.",
    ),
    row(
        "migration-file-name",
        "the name of a migration cannot be a key of a ConfigMap",
        "Letters, digits, dots, dashes and underscores can.",
    ),
    row(
        "migration-form",
        "a goose file is not of goose's form",
        "A goose file has one `-- +goose Up`, at most one `-- +goose Down` behind it, and no statement before them.",
    ),
    row(
        "migration-not-repeatable",
        "a migration without a transaction could not be run again after it was killed half-way",
        "Write its statements so that they may run twice (`IF NOT EXISTS`), one kind of statement a file.",
    ),
    row(
        "migration-psql-command",
        "a migration holds a command of psql",
        "Migrations are SQL; lines that begin with a backslash would run commands of the client.",
    ),
    row(
        "migration-too-big",
        "a migration is too big for a ConfigMap",
        "A ConfigMap holds at most 1 MiB. Split the file.",
    ),
    row(
        "migration-transaction-control",
        "a migration begins or ends a transaction itself",
        "Each file runs in one transaction of its own. Take BEGIN and COMMIT out, or mark the file `-- +goose NO TRANSACTION`.",
    ),
    row(
        "migration-unterminated",
        "a quote, comment or statement block of a migration is not closed",
        "What follows would be read as a part of it.",
    ),
    row(
        "not-a-manifest",
        "a document is no Kubernetes object",
        "Every object has an `apiVersion` and a `kind`, both texts. In folders, documents with neither are passed over.",
    ),
    row(
        "object-duplicate",
        "the templates make one object twice",
        "Two documents with one kind, namespace and name: the second would overwrite the first.",
    ),
    row(
        "object-incomplete",
        "the templates make a document that is no object",
        "It lacks `apiVersion`, `kind` or `metadata.name`, or a value in it turned out null.",
    ),
    row(
        "object-not-found",
        "the bundle has no such object",
        "`--only` takes `Kind` or `Kind/name` as `plimsoll render` prints them.",
    ),
    row(
        "profile-field-missing",
        "a profile lacks a field that it needs",
        "No layer gives it a value, and the environment asks for it.",
    ),
    row(
        "profile-field-type",
        "a value has not the type that its field wants",
        "`plimsoll schema` prints the types; a quoted number is a text.",
    ),
    row(
        "profile-field-unknown",
        "a profile has a field that no profile can have",
        "Mostly a misspelling; `plimsoll schema` and docs/profiles.md list the fields.",
    ),
    row("profile-form", "a profile is not one YAML mapping", "A profile file is one document, a mapping."),
    row(
        "profile-not-found",
        "there is no such profile",
        "A profile's name is its file's in `profiles/`; `plimsoll profiles` lists them.",
    ),
    row(
        "profile-value-invalid",
        "a value is not one that its field can have",
        "Out of range, of another form, or none of those listed; the message says which.",
    ),
    row(
        "project-unreadable",
        "the project's folder cannot be read",
        "`--project` names a folder with `profiles/` and `templates/`.",
    ),
    row(
        "promise-differs",
        "a manifest has something otherwise than the bundle of the profile",
        "`check --profile P` holds manifests against what P renders: image, namespace, ports.",
    ),
    row(
        "promise-missing",
        "manifests lack something that the bundle of the profile has",
        "`plimsoll render P` prints the whole; `check --profile P` names what to add.",
    ),
    row(
        "schema-invalid",
        "the project's own schema is no JSON Schema",
        "`profiles/schema.json` must hold a JSON Schema of the draft and the keywords listed in docs/profiles.md.",
    ),
    row(
        "schema-keyword-unknown",
        "the project's own schema has a keyword that is not supported",
        "It would be ignored in silence otherwise; the message lists the near one.",
    ),
    row("service-description", "a service description is wrong", "Files in `services/` follow docs/services.md."),
    row(
        "set-syntax",
        "an argument of `--set` is not of its form",
        "`path=value`: `expose.nodePort=30081`, `\\.` for a dot in a key, `[0]` for an item, `=` for the empty text, `=null` to delete.",
    ),
    row("setting-syntax", "plimsoll.toml is no TOML", "The parser's message says where it stumbled."),
    row(
        "setting-unknown",
        "plimsoll.toml has a setting that there is not",
        "`out`, `externals` and `[rules]` are known.",
    ),
    row(
        "setting-value-invalid",
        "a setting has a value that it cannot have",
        "The message says what it can be; a rule's level is off, note, warning or error.",
    ),
    row(
        "template-directive",
        "a directive is unknown or misplaced",
        "`$if`, `$for`, `$yaml`, `$json`, `$file` and `$contentName` are known; docs/templates.md says where each may stand.",
    ),
    row("template-duplicate-key", "a mapping of a template gets one key twice", "A `$for` made the same key again."),
    row("template-file", "a file that a template names cannot be used", "`$file` reads below `templates/` only."),
    row(
        "template-name-taken",
        "a profile field bears the name of a function of templates",
        "Give the field another name.",
    ),
    row(
        "template-name-unknown",
        "a template names a field that no profile can have",
        "Checked against the schema before anything is rendered.",
    ),
    row(
        "template-syntax",
        "an expression cannot be parsed",
        "Between `{{` and `}}` stands one minijinja expression; docs/templates.md has the functions.",
    ),
    row(
        "template-too-large",
        "a template makes too much",
        "Expressions have a budget of steps, nodes and bytes, so that none can run away.",
    ),
    row(
        "template-type",
        "a value has not the type that its place wants",
        "In mixed text only texts, whole numbers and booleans may stand; `| string` makes a text of a number.",
    ),
    row(
        "template-undefined",
        "an expression comes out undefined",
        "A field that no layer gives a value, or an `if` without `else`; `none` drops the key.",
    ),
    row(
        "yaml-alias",
        "an anchor, alias or merge key stands where none may, or leads nowhere",
        "Profiles and templates have none; in manifests they are expanded within bounds.",
    ),
    row(
        "yaml-ambiguous",
        "YAML readers disagree about a value",
        "What YAML 1.1 and 1.2 read differently: `yes`, `0777`, `1_000`. Quote it if it is a text. An error in profiles and templates.",
    ),
    row(
        "yaml-duplicate-key",
        "a key stands twice in one mapping",
        "Some readers take the first, some the last; kubectl refuses it.",
    ),
    row(
        "yaml-key",
        "a key is no text",
        "Quote it. An unquoted `{{` in a template is such a key, too: quote the expression.",
    ),
    row(
        "yaml-syntax",
        "a text is no YAML",
        "The place is where the reader stumbled; the fault may stand a line above it.",
    ),
    row("yaml-tag", "a tag stands where none may", "Profiles and templates have no tags."),
    row("yaml-too-deep", "collections nest too deeply", "128 levels are read."),
    row("yaml-too-large", "aliases expand to too much", "Ten million nodes a file are the bound."),
    row(
        "yaml-value",
        "a value that JSON cannot hold",
        "There is no infinity and no not-a-number in Kubernetes objects.",
    ),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;
    use crate::check::rules::ALL;

    #[test]
    fn the_table_is_sorted() {
        assert!(ELSEWHERE.is_sorted_by(|a, b| a.id < b.id));
    }

    /// The texts of the form `family-of-the-fault` that stand alone in quotes in a source text.
    fn ids(text: &str) -> BTreeSet<String> {
        const FAMILIES: [&str; 18] = [
            "content-name-",
            "environment-",
            "file-",
            "graph-",
            "kind-config-",
            "migration-",
            "not-a-",
            "object-",
            "profile-",
            "project-",
            "schema-",
            "service-d",
            "set-",
            "setting-",
            "template-",
            "yaml-",
            "promise-",
            "change-",
        ];
        text.split('"')
            .filter(|part| FAMILIES.iter().any(|family| part.starts_with(family)))
            .filter(|part| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !part.ends_with('-'))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_finding_has_its_documentation() {
        let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut used = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("tests.rs") && !path.ends_with("reading.rs") {
                    let text = std::fs::read_to_string(path).unwrap();
                    used.extend(ids(text.split("#[cfg(test)]\nmod tests {").next().unwrap()));
                }
            }
        }
        let known = |id: &str| ELSEWHERE.iter().any(|row| row.id == id) || ALL.iter().any(|rule| rule.id == id);
        let unknown: Vec<&String> = used.iter().filter(|id| !known(id)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let unused: Vec<&str> = ELSEWHERE.iter().map(|row| row.id).filter(|id| !used.contains(*id)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }
}

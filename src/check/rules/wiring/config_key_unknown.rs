//! Rule `config-key-unknown`.

use foldhash::{HashSet, HashSetExt};

use crate::check::rules::wiring::_shared::at_section;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::service::{self, Key, KeyType};
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigKeyUnknown,
    doc: Doc {
        checks: "\
Checks for keys in the config file of a known service that the service does not read. The expected
spelling is that of the release with which the file shares the most keys. With a known version
(`--service-version`), keys that only other versions read are reported as well. A section with an
unknown name is reported once. The finding is a warning.",
        why: "The service ignores unknown keys without a message, so a misspelled setting has no effect.",
        fix: "Correct the spelling, or remove the key.",
        source: "The description of the service (docs/services.md).",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config}
data:
  config.yaml: |
    server: {port: 8080}
    database:
      host: postgresql
      port: 5432
      name: action_history
      secretsFile: /etc/datastorage/secrets/db.yaml
      usernameKey: username
      passwordKey: password
    redis:
      addr: redis:6379
      secretsFile: /etc/datastorage/secrets/redis.yaml
      passwordKey: password
    logging: {level: info}
    server_port: 8080
---
apiVersion: v1
kind: Secret
metadata: {name: datastorage-secret}
stringData:
  db.yaml: |
    username: slm_user
    password: test_password
  redis.yaml: |
    password: ""
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: datastorage}
spec:
  selector: {matchLabels: {app: datastorage}}
  template:
    metadata: {labels: {app: datastorage}}
    spec:
      containers:
      - name: datastorage
        image: quay.io/acme/datastorage:v1
        ports: [{containerPort: 8080}]
        env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]
        volumeMounts:
        - {name: config, mountPath: /etc/datastorage}
        - {name: secrets, mountPath: /etc/datastorage/secrets}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: "-    server_port: 8080\n",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let services = bundle.graph().descriptions();
    for config in bundle.graph().configs() {
        let (Some(tree), Some(dialect)) = (&config.tree, config.dialect) else { continue };
        let service = &config.service.name;
        let version = services.version_of(config.service);
        let is_read =
            |key: &Key| version.is_none_or(|version| version.is_within(key.since.as_ref(), key.until.as_ref()));
        let mut sections: HashSet<&str> = HashSet::new();
        let leaves = service::leaves(tree);
        for (path, _) in &leaves {
            let below_any = dialect.config.iter().any(|(known, key)| {
                key.kind == KeyType::Any
                    && path.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            let key = dialect.config.get(path);
            if below_any || key.is_some_and(is_read) {
                continue;
            }
            if let (Some(key), Some(version)) = (key, version) {
                let message = format!("{service} {version} does not read `{path}`");
                let draft = at_section(report, config, path, message);
                match (&key.since, &key.until) {
                    (Some(since), _) if !version.is_within(Some(since), None) => {
                        draft.help(format!("versions since {since} read it"))
                    }
                    (_, Some(until)) => draft.help(format!("versions up to {until} read it")),
                    _ => draft,
                };
                continue;
            }
            // A section with an unknown name is reported once.
            let top = path.split('.').next().unwrap_or(path);
            let section_known = dialect.config.keys().any(|known| known.starts_with(&format!("{top}.")));
            if !section_known {
                if !sections.insert(top) {
                    continue;
                }
                let draft = at_section(report, config, top, format!("{service} does not read `{top}`"));
                let tops = dialect.config.keys().filter_map(|known| known.split('.').next());
                match (config.service.not_read.get(top), suggest::nearest(top, tops)) {
                    (Some(instead), _) => draft.help(instead.clone()),
                    (None, Some(near)) => draft.help(format!("did you mean `{near}`?")),
                    (None, None) => draft.help("remove it: it has no effect"),
                };
                continue;
            }
            let draft = at_section(report, config, path, format!("{service} does not read `{path}`"));
            let leaf = path.rsplit('.').next().unwrap_or(path);
            let section = path.rsplit_once('.').map_or("", |(section, _)| section);
            let siblings = || {
                dialect.config.keys().filter_map(|known| match known.rsplit_once('.') {
                    Some((other, leaf)) if other == section => Some(leaf),
                    None if section.is_empty() => Some(known.as_str()),
                    _ => None,
                })
            };
            let other = config.service.dialects.iter().find(|other| other.config.contains_key(path));
            let near = suggest::nearest(leaf, siblings());
            match (config.service.not_read.get(path), near, other) {
                (Some(instead), _, _) => draft.help(instead.clone()),
                (None, Some(near), Some(other)) => draft.help(format!(
                    "use `{near}`: this is the {} spelling, but the other keys are {}",
                    other.name, dialect.name
                )),
                (None, Some(near), None) => draft.help(format!("did you mean `{near}`?")),
                (None, None, Some(other)) => draft.help(format!(
                    "only releases with {} keys read it, but the other keys are {}",
                    other.name, dialect.name
                )),
                (None, None, None) => draft.help("remove it: it has no effect"),
            };
        }
    }
}

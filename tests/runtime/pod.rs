//! Simulates a pod without a cluster: volumes are folders, the environment is resolved, commands run in busybox ash.
//!
//! As in the kubelet: modes, fsGroup, items, optional sources, projected volumes, nested mounts, subPath, `$(NAME)` in
//! commands, and an error at start if a key or an object is missing. Unlike the kubelet, there is no isolation. Paths
//! under a mount are mapped to a folder in commands, arguments and environment; `TMPDIR` is the folder mounted at
//! `/tmp`, or a folder that does not exist. Features that are not simulated panic.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::manifests::Manifests;
use super::servers::root;
use super::shell::{Running, User, command};

/// A pod with its volumes mounted.
pub(super) struct Pod<'a> {
    manifests: &'a Manifests,
    namespace: String,
    spec: &'a Value,
    metadata: &'a Value,
    folder: TempDir,
}

/// A container ready to run.
pub(super) struct Container {
    /// The command and arguments with `$(NAME)` expanded and paths mapped; empty if the image's entrypoint would run.
    pub command: Vec<String>,
    /// Only the arguments, expanded and mapped in the same way.
    pub args: Vec<String>,
    /// The environment in order, with paths mapped.
    pub env: Vec<(String, String)>,
    /// The user that it runs as, if the pod sets one.
    pub user: Option<User>,
    view: PathBuf,
    mounts: Vec<String>,
}

type Files = BTreeMap<String, (Vec<u8>, u32)>;

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, what: &str) -> &'a str {
    value.as_str().unwrap_or_else(|| panic!("{what} is no string: {value}"))
}

impl<'a> Pod<'a> {
    /// The pod of a template (`metadata` and `spec`) in a namespace. Nothing is mounted yet.
    pub(super) fn new(manifests: &'a Manifests, namespace: &str, template: &'a Value) -> Self {
        let folder = tempfile::Builder::new().prefix("plimsoll-pod").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let (spec, metadata) = (&template["spec"], &template["metadata"]);
        Self { manifests, namespace: namespace.to_owned(), spec, metadata, folder }
    }

    /// The pod of a workload of the bundle: a Deployment, StatefulSet, Job or CronJob.
    pub(super) fn of(manifests: &'a Manifests, workload: &'a Value) -> Self {
        let spec =
            if workload["kind"] == "CronJob" { &workload["spec"]["jobTemplate"]["spec"] } else { &workload["spec"] };
        Self::new(manifests, text(&workload["metadata"]["namespace"], "namespace"), &spec["template"])
    }

    /// The container or init container with this name and its volumes mounted; an error if the kubelet would not start
    /// it.
    pub(super) fn container(&self, name: &str) -> Result<Container, String> {
        let all = list(&self.spec["initContainers"]).chain(list(&self.spec["containers"]));
        let container = all.into_iter().find(|container| container["name"] == name).ok_or("no such container")?;
        let user = self.user(container)?;
        let view = self.folder.path().join("views").join(name);
        // When a container is started again, its volumes keep their contents but are mounted again.
        let _ = std::fs::remove_dir_all(&view);
        std::fs::create_dir_all(&view).unwrap();
        let mut mounts: Vec<&Value> = list(&container["volumeMounts"]).collect();
        mounts.sort_by_key(|mount| text(&mount["mountPath"], "mountPath").len());
        for mount in &mounts {
            self.mount(&view, mount)?;
        }
        let mounts = mounts.iter().map(|mount| text(&mount["mountPath"], "mountPath").to_owned()).collect();
        let mut built = Container { command: Vec::new(), args: Vec::new(), env: Vec::new(), user, view, mounts };
        let env = self.env(container)?;
        let words = |field: &str| -> Vec<String> {
            list(&container[field]).map(|word| built.map(&expand(text(word, field), &env))).collect()
        };
        (built.command, built.args) = (words("command"), words("args"));
        built.env = env.iter().map(|(name, value)| (name.clone(), built.map(value))).collect();
        built.env.push(("TMPDIR".to_owned(), built.view.join("tmp").to_str().unwrap().to_owned()));
        Ok(built)
    }

    fn user(&self, container: &Value) -> Result<Option<User>, String> {
        let setting = |name: &str| {
            let own = &container["securityContext"][name];
            if own.is_null() { &self.spec["securityContext"][name] } else { own }
        };
        let user = setting("runAsUser").as_u64().map(|user| user as u32);
        let number = |value: &Value| value.as_u64().map(|number| number as u32);
        let volumes = number(&self.spec["securityContext"]["fsGroup"]);
        let group = number(setting("runAsGroup")).unwrap_or(0);
        match user {
            Some(0) | None if setting("runAsNonRoot") == true => {
                Err("runAsNonRoot, and no numeric user but root".into())
            }
            _ => Ok(user.map(|user| User { user, group, volumes })),
        }
    }

    fn mount(&self, view: &Path, mount: &Value) -> Result<(), String> {
        let name = text(&mount["name"], "volume name");
        let target = view.join(text(&mount["mountPath"], "mountPath").trim_start_matches('/'));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        let volume = list(&self.spec["volumes"]).find(|volume| volume["name"] == name);
        let sub = mount["subPath"].as_str();
        let writable = match volume {
            // A volume claim template of a StatefulSet is mounted by its own name.
            None => true,
            Some(volume) => volume["emptyDir"].is_object() || volume["persistentVolumeClaim"].is_object(),
        };
        if writable {
            let folder = self.folder.path().join("volumes").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            // The kubelet creates an emptyDir with mode 0777.
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).unwrap();
            if let Err(error) = symlink(sub.map_or(folder.clone(), |sub| folder.join(sub)), &target) {
                return Err(format!("{}: {error}", target.display()));
            }
            return Ok(());
        }
        let files = self.files(volume.unwrap())?;
        if let Some(sub) = sub {
            let (bytes, mode) = files.get(sub).ok_or_else(|| format!("volume `{name}` holds no `{sub}`"))?;
            self.write(&target, bytes, *mode);
            return Ok(());
        }
        std::fs::create_dir(&target).map_err(|error| format!("{}: {error}", target.display()))?;
        for (path, (bytes, mode)) in &files {
            let file = target.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            self.write(&file, bytes, *mode);
        }
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8], mode: u32) {
        std::fs::write(path, bytes).unwrap();
        let group = self.spec["securityContext"]["fsGroup"].as_u64().map(|group| group as u32);
        if let Some(group) = group.filter(|_| root()) {
            chown(path, None, Some(group)).unwrap();
        }
        // With an fsGroup the kubelet makes files readable by the group, regardless of the mode.
        let mode = if group.is_some() { mode | 0o440 } else { mode };
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    /// The files of a volume of ConfigMaps, Secrets or projected sources.
    fn files(&self, volume: &Value) -> Result<Files, String> {
        let mut files = Files::new();
        let projected = &volume["projected"];
        let sources: Vec<(&Value, &Value)> = if projected.is_object() {
            list(&projected["sources"]).map(|source| (source, &projected["defaultMode"])).collect()
        } else {
            let kind = ["configMap", "secret"].into_iter().find(|kind| volume[kind].is_object());
            let kind = kind.unwrap_or_else(|| panic!("a kind of volume that is not modelled: {volume}"));
            vec![(volume, &volume[kind]["defaultMode"])]
        };
        for (source, mode) in sources {
            let mode = mode.as_u64().map_or(0o644, |mode| mode as u32);
            if source["downwardAPI"].is_object() {
                for item in list(&source["downwardAPI"]["items"]) {
                    let value = self.field(text(&item["fieldRef"]["fieldPath"], "fieldPath"));
                    files.insert(text(&item["path"], "path").to_owned(), (value.into_bytes(), mode));
                }
                continue;
            }
            let (kind, reference) = match (&source["configMap"], &source["secret"]) {
                (reference, Value::Null) => ("ConfigMap", reference),
                (_, reference) => ("Secret", reference),
            };
            assert!(reference.is_object(), "a kind of source that is not modelled: {source}");
            let name = if reference["secretName"].is_null() { &reference["name"] } else { &reference["secretName"] };
            let (name, optional) = (text(name, "name"), reference["optional"] == true);
            let Some(data) = self.manifests.data(kind, name) else {
                if optional {
                    continue;
                }
                return Err(format!("{kind} `{name}` not found"));
            };
            if reference["items"].is_null() {
                files.extend(data.into_iter().map(|(key, bytes)| (key, (bytes, mode))));
                continue;
            }
            for item in list(&reference["items"]) {
                let key = text(&item["key"], "key");
                let mode = item["mode"].as_u64().map_or(mode, |mode| mode as u32);
                match data.get(key) {
                    Some(bytes) => {
                        files.insert(text(&item["path"], "path").to_owned(), (bytes.clone(), mode));
                    }
                    None if optional => {}
                    None => return Err(format!("{kind} `{name}` has no key `{key}`")),
                }
            }
        }
        Ok(files)
    }

    fn field(&self, path: &str) -> String {
        match path {
            "metadata.name" => "pod-0".to_owned(),
            "metadata.namespace" => self.namespace.clone(),
            "status.podIP" | "status.hostIP" => "127.0.0.1".to_owned(),
            "spec.serviceAccountName" => self.spec["serviceAccountName"].as_str().unwrap_or("default").to_owned(),
            _ => match path.strip_prefix("metadata.labels['").and_then(|rest| rest.strip_suffix("']")) {
                Some(label) => self.metadata["labels"][label].as_str().unwrap_or_default().to_owned(),
                None => panic!("a field that is not modelled: {path}"),
            },
        }
    }

    fn env(&self, container: &Value) -> Result<Vec<(String, String)>, String> {
        let mut env: Vec<(String, String)> = Vec::new();
        let set = |env: &mut Vec<(String, String)>, name: &str, value: String| {
            env.retain(|(known, _)| known != name);
            env.push((name.to_owned(), value));
        };
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("an environment in UTF-8");
        for source in list(&container["envFrom"]) {
            let prefix = source["prefix"].as_str().unwrap_or_default();
            let (kind, reference) = match &source["secretRef"] {
                Value::Null => ("ConfigMap", &source["configMapRef"]),
                reference => ("Secret", reference),
            };
            let name = text(&reference["name"], "name");
            match self.manifests.data(kind, name) {
                Some(data) => {
                    data.iter().for_each(|(key, value)| set(&mut env, &format!("{prefix}{key}"), string(value)))
                }
                None if reference["optional"] == true => {}
                None => return Err(format!("{kind} `{name}` not found")),
            }
        }
        for variable in list(&container["env"]) {
            let name = text(&variable["name"], "name");
            let from = &variable["valueFrom"];
            if from.is_null() {
                let value = expand(variable["value"].as_str().unwrap_or_default(), &env);
                set(&mut env, name, value);
            } else if from["fieldRef"].is_object() {
                set(&mut env, name, self.field(text(&from["fieldRef"]["fieldPath"], "fieldPath")));
            } else {
                let (kind, reference) = match &from["secretKeyRef"] {
                    Value::Null => ("ConfigMap", &from["configMapKeyRef"]),
                    reference => ("Secret", reference),
                };
                assert!(reference.is_object(), "a source that is not modelled: {from}");
                let (object, key) = (text(&reference["name"], "name"), text(&reference["key"], "key"));
                match self.manifests.data(kind, object).as_ref().map(|data| data.get(key)) {
                    Some(Some(value)) => set(&mut env, name, string(value)),
                    _ if reference["optional"] == true => {}
                    Some(None) => return Err(format!("{kind} `{object}` has no key `{key}`")),
                    None => return Err(format!("{kind} `{object}` not found")),
                }
            }
        }
        Ok(env)
    }
}

/// Expands `$(NAME)` as Kubernetes does: unresolved references stay unchanged, `$$` is a literal dollar sign.
pub(super) fn expand(text: &str, env: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest.strip_prefix("$(").and_then(|tail| tail.split_once(')'));
        if let Some(tail) = rest.strip_prefix("$$") {
            out.push('$');
            rest = tail;
        } else if let Some((name, tail)) = known {
            match env.iter().find(|(known, _)| known == name) {
                Some((_, value)) => out.push_str(value),
                None => out.push_str(&rest[..name.len() + 3]),
            }
            rest = tail;
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out + rest
}

impl Container {
    /// Maps a path of the container to this machine; unchanged if it is not under a mount or is already mapped.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        let under = |mount: &String| path == mount || path.starts_with(&format!("{}/", mount.trim_end_matches('/')));
        if !Path::new(path).starts_with(&self.view) && self.mounts.iter().any(under) {
            self.view.join(path.trim_start_matches('/'))
        } else {
            PathBuf::from(path)
        }
    }

    fn map(&self, word: &str) -> String {
        let (option, path) = match word.split_once('=') {
            Some((option, path)) if option.starts_with('-') => (format!("{option}="), path),
            _ => (String::new(), word),
        };
        option + self.path(path).to_str().unwrap()
    }

    /// The value of an environment variable.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Sets a variable that must differ in the test, such as a port of this machine or a shorter interval.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command with its arguments.
    pub(super) fn process(&self) -> Command {
        let words: Vec<String> = self.command.iter().chain(&self.args).cloned().collect();
        command(&words, &self.env, self.user)
    }

    /// A command executed in the running container, such as that of a probe.
    pub(super) fn exec(&self, words: &[String]) -> Command {
        command(words, &self.env, self.user)
    }

    /// Starts the container.
    pub(super) fn start(&self) -> Running {
        Running::spawn(self.process())
    }
}

mod tests {
    use super::*;

    const OBJECTS: &str = r#"
kind: ConfigMap
metadata: {name: c}
data: {a.txt: "A", b.txt: "B", NAME: "from c"}
---
kind: Secret
metadata: {name: s}
data: {password: cCckIlxg}
stringData: {other: "x"}
---
kind: Pod
metadata: {name: p, namespace: n, labels: {app: web}}
spec:
  securityContext: {runAsUser: 70, runAsNonRoot: true, fsGroup: 70}
  containers:
    - name: good
      command: [sh, -c, 'cat "$0" "$1"; printf "%s|" "$PASSWORD" "$X_NAME" "$APP" "$URL"', /etc/x/a.txt, "--file=/etc/x/inner/two"]
      envFrom: [{configMapRef: {name: c}, prefix: X_}, {secretRef: {name: absent, optional: true}}]
      env:
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: s, key: password}}}
        - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
        - {name: URL, value: "$(PASSWORD)@$(ABSENT)$$(APP)"}
      volumeMounts:
        - {name: both, mountPath: /etc/x/inner}
        - {name: c, mountPath: /etc/x}
        - {name: c, mountPath: /one.txt, subPath: b.txt}
        - {name: scratch, mountPath: /tmp}
    - {name: bare, command: [sh, -c, "mktemp"]}
    - name: key
      env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: absent}}}]
    - {name: volume, volumeMounts: [{name: lost, mountPath: /x}]}
    - {name: item, volumeMounts: [{name: item, mountPath: /x}]}
    - {name: sub, volumeMounts: [{name: c, mountPath: /x, subPath: absent}]}
    - {name: root, securityContext: {runAsUser: 0}}
  volumes:
    - {name: c, configMap: {name: c, defaultMode: 256}}
    - name: both
      projected:
        defaultMode: 292
        sources:
          - {configMap: {name: c, items: [{key: b.txt, path: two}]}}
          - {secret: {name: s, items: [{key: other, path: deep/other, mode: 288}]}}
          - {secret: {name: gone, optional: true}}
          - {downwardAPI: {items: [{path: ns, fieldRef: {fieldPath: metadata.namespace}}]}}
    - {name: scratch, emptyDir: {}}
    - {name: lost, configMap: {name: lost}}
    - {name: item, secret: {secretName: s, items: [{key: nothing, path: x}]}}
"#;

    fn objects() -> Manifests {
        Manifests::parse(OBJECTS)
    }

    #[test]
    fn mounts_and_resolves_as_the_kubelet_does() {
        let objects = objects();
        let pod = Pod::new(&objects, "n", objects.find("Pod", "p").unwrap());
        let container = pod.container("good").unwrap();
        let mode = |path: &str| std::fs::metadata(container.path(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("/etc/x/a.txt"), mode("/etc/x/inner/two"), mode("/one.txt")), (0o440, 0o444, 0o440));
        assert_eq!((mode("/etc/x/inner/deep/other"), mode("/tmp")), (0o440, 0o777));
        assert_eq!(std::fs::read_to_string(container.path("/etc/x/inner/ns")).unwrap(), "n");
        assert!(!container.path("/etc/x/inner/a.txt").exists(), "items choose");
        assert_eq!(container.path("/etc/xy"), Path::new("/etc/xy"));
        let script = container.command.clone();
        let container = Container {
            command: vec![script[0].clone(), script[1].clone(), script[2].clone(), script[3].clone()],
            ..container
        };
        let two = container.path("/etc/x/inner/two").to_str().unwrap().to_owned();
        assert_eq!(script[4], format!("--file={two}"));
        let run = Container { args: vec![two], ..container }.start().finish().fine();
        assert_eq!(run.log, "ABp'$\"\\`|from c|web|p'$\"\\`@$(ABSENT)$(APP)|");
    }

    #[test]
    fn fails_where_the_kubelet_fails() {
        let objects = objects();
        let pod = Pod::new(&objects, "n", objects.find("Pod", "p").unwrap());
        for (name, words) in [
            ("key", "Secret `s` has no key `absent`"),
            ("volume", "ConfigMap `lost` not found"),
            ("item", "Secret `s` has no key `nothing`"),
            ("sub", "volume `c` holds no `absent`"),
            ("root", "runAsNonRoot, and no numeric user but root"),
        ] {
            assert_eq!(pod.container(name).err().as_deref(), Some(words), "{name}");
        }
        let run = pod.container("bare").unwrap().start().finish();
        assert!(!run.status.success(), "there is no /tmp to write to: {}", run.log);
    }
}

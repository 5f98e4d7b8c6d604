//! Compares the layers in docs/architecture.md with the dependencies in the source code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module's path within the crate: `["check", "rules", "api"]`.
type Module = Vec<String>;

/// The source code of each module of the library, without tests and comments.
fn sources() -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                sources.insert(module(path.strip_prefix(&root).unwrap()), code(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let declares_tests = |module: &Module| {
        let (name, parent) = module.split_last().unwrap();
        let declared = format!("#[cfg(test)]\nmod {name};");
        let text = fs::read_to_string(file(&root, parent)).unwrap_or_default();
        text.contains(&declared)
    };
    sources.retain(|module, _| !module.is_empty() && !declares_tests(module));
    sources
}

fn module(path: &Path) -> Module {
    let mut parts: Module = path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || parts.len() == 1 && matches!(&**last, "lib" | "main")) {
        parts.pop();
    }
    parts
}

fn file(root: &Path, module: &[String]) -> PathBuf {
    let path = module.iter().fold(root.to_path_buf(), |path, part| path.join(part));
    if module.is_empty() {
        root.join("lib.rs")
    } else if path.is_dir() {
        path.join("mod.rs")
    } else {
        path.with_extension("rs")
    }
}

/// The source code without comments and test code.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        if line.trim() == "#[cfg(test)]" {
            let end = format!("{}}}", " ".repeat(indent));
            let item = lines.next().unwrap_or_default();
            if !item.ends_with(';') {
                lines.by_ref().find(|line| **line == end);
            }
        } else if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// The paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn leaves(tree: &str) -> Vec<String> {
    let Some((start, rest)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut item, mut items) = (0, String::new(), Vec::new());
    for letter in inner.chars() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        if letter == ',' && depth == 0 {
            items.push(std::mem::take(&mut item));
        } else {
            item.push(letter);
        }
    }
    items.push(item);
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| leaves(&format!("{}{}", start.trim(), item.trim()))).collect()
}

/// The `use` items of the source code (whether each is exported, and its paths), and the remaining code.
fn uses(text: &str) -> (Vec<(bool, String)>, String) {
    let (mut found, mut others) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        let (exported, tree) = match (line.strip_prefix("use "), line.split_once(" use ")) {
            (Some(tree), _) => (false, tree),
            (None, Some((start, tree))) if start.starts_with("pub") => (true, tree),
            _ => {
                others.push_str(line);
                others.push('\n');
                continue;
            }
        };
        let mut tree = tree.to_owned();
        while !tree.ends_with(';') {
            tree.push_str(lines.next().expect("a `use` ends").trim());
        }
        found.extend(leaves(tree.trim_end_matches(';')).into_iter().map(|path| (exported, path)));
    }
    (found, others)
}

/// The paths within the crate that the code contains outside of `use` items.
fn named(text: &str) -> impl Iterator<Item = String> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    text.split(move |letter| !is_word(letter)).filter(|word| word.contains("::")).map(str::to_owned)
}

struct Crate {
    sources: BTreeMap<Module, String>,
    /// The targets of re-exports, by module and name.
    exports: BTreeMap<(Module, String), Module>,
}

impl Crate {
    fn read() -> Self {
        let mut read = Self { sources: sources(), exports: BTreeMap::new() };
        let mut exports = BTreeMap::new();
        for (module, text) in &read.sources {
            for (_, path) in uses(text).0.into_iter().filter(|(exported, _)| *exported) {
                let (path, alias) = path.split_once(" as ").map_or((&*path, None), |(path, alias)| (path, Some(alias)));
                if let Some(full) = read.absolute(module, path) {
                    let name = alias.map_or_else(|| full.last().unwrap().clone(), str::to_owned);
                    exports.insert((module.clone(), name), full);
                }
            }
        }
        read.exports = exports;
        read
    }

    /// A path from the crate's root; `None` if it is in another crate.
    fn absolute(&self, module: &Module, path: &str) -> Option<Module> {
        let mut parts = path.split("::").map(|part| part.trim().to_owned()).peekable();
        let mut full = module.clone();
        match parts.peek().map(String::as_str) {
            Some("crate") => {
                parts.next();
                full.clear();
            }
            Some("self") => _ = parts.next(),
            Some("super") => {
                while parts.next_if(|part| part == "super").is_some() {
                    full.pop();
                }
            }
            Some(name) => {
                full.push(name.to_owned());
                let known = self.sources.contains_key(&full);
                full.pop();
                if !known {
                    return None;
                }
            }
            None => return None,
        }
        full.extend(parts.filter(|part| part != "self"));
        Some(full)
    }

    /// The module that a path refers to, through re-exports.
    fn home(&self, path: &[String]) -> Option<Module> {
        let longest = (1..=path.len()).rev().find(|length| self.sources.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(longest);
        match rest.first().and_then(|name| self.exports.get(&(module.to_vec(), name.clone()))) {
            Some(exported) if exported != path => self.home(exported),
            _ => Some(module.to_vec()),
        }
    }

    /// The modules that each module uses.
    fn arrows(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let arrows = self.sources.iter().map(|(module, text)| {
            let (own, others) = uses(text);
            let own = own.into_iter().filter(|(exported, _)| !exported).map(|(_, path)| path);
            let paths: Vec<String> = own.chain(named(&others)).collect();
            let full = paths.iter().filter_map(|path| {
                let path = path.split(" as ").next().unwrap_or_default();
                self.home(&self.absolute(module, path)?)
            });
            (module.clone(), full.filter(|target| target != module).collect())
        });
        arrows.collect()
    }
}

/// The layers in the page, from top to bottom, each as a list of modules.
fn layers() -> Vec<Vec<String>> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md")).unwrap();
    let (_, rest) = page.split_once("```layers\n").expect("the page draws the layers");
    let (drawn, _) = rest.split_once("```").unwrap();
    drawn.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn modules_use_only_lower_layers() {
    let (read, layers) = (Crate::read(), layers());
    let height = |name: &String| layers.iter().rev().position(|layer| layer.contains(name));
    let modules: BTreeSet<&String> = read.sources.keys().map(|module| &module[0]).collect();
    let drawn: BTreeSet<&String> = layers.iter().flatten().collect();
    assert_eq!(drawn, modules, "the page must list exactly the modules of the crate");
    for (module, targets) in read.arrows() {
        for target in targets.iter().filter(|target| target[0] != module[0]) {
            assert!(
                height(&target[0]) < height(&module[0]),
                "{} uses {}, which is not below it in docs/architecture.md",
                module.join("::"),
                target.join("::"),
            );
        }
    }
}

#[test]
fn cyclic_dependencies_are_within_one_folder() {
    let read = Crate::read();
    let arrows = read.arrows();
    let reach = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            next.extend(arrows[module].iter().filter(|target| seen.insert((*target).clone())));
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = arrows.keys().map(|module| (module, reach(module))).collect();
    let folder = |module: &Module| {
        let is_folder = read.sources.keys().any(|other| other.len() > module.len() && other.starts_with(module));
        if is_folder { module.clone() } else { module[..module.len() - 1].to_vec() }
    };
    let mut wrong = BTreeSet::new();
    for (one, targets) in &reached {
        for other in targets.iter().filter(|other| reached[other].contains(*one)) {
            if folder(one) != folder(other) {
                wrong.insert(format!("{} and {}", one.join("::"), other.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "cyclic dependencies between folders: {wrong:#?}");
}

/// Every rule id of the catalogue is used somewhere.
#[test]
fn every_id_of_the_catalogue_is_used() {
    let sources = sources();
    let others = sources.iter().filter(|(module, _)| **module != ["finding", "catalogue"]);
    let text: String = others.map(|(_, text)| text.as_str()).collect();
    for id in plimsoll::finding::RuleId::ALL {
        assert!(text.contains(&format!("{id:?}")), "{id} is reported nowhere");
    }
}

//! What can be typed.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::kube::KubernetesVersion;
use crate::layers::{Overrides, SetArgument};
use crate::report::Format;
use crate::suggest;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// Renders a service's complete, checked Kubernetes bundle from one small profile
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const GLOBAL: &str = "Global options";

/// The options of every command.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Global {
    /// The project folder; by default the nearest folder upwards with a plimsoll.toml, else the built-in project
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    pub(super) project: Option<PathBuf>,
    /// The Kubernetes version to check against, 1.33 to 1.37; by default the one in plimsoll.toml, else 1.36
    #[arg(long, global = true, value_name = "VERSION", help_heading = GLOBAL)]
    pub(super) kubernetes_version: Option<KubernetesVersion>,
    #[command(flatten)]
    pub(super) definitions: DefinitionArgs,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = GLOBAL)]
    pub(super) color: Color,
}

/// Definitions of custom resources.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct DefinitionArgs {
    /// A file or folder with CustomResourceDefinitions; may be given several times
    #[arg(long, global = true, value_name = "FILE|DIR", help_heading = GLOBAL)]
    pub(super) crd: Vec<PathBuf>,
    /// A folder of published schemas of custom resources, GROUP/KIND_VERSION.json; may be given several times
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    pub(super) schemas: Vec<PathBuf>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Render the bundle of a profile, complete and checked
    Render(Render),
    /// Check manifests: report what the API server would reject, and what would not become ready
    Check(Check),
    /// Show the differences between two bundles, and the effects of applying them
    #[command(after_help = DIFF_HELP)]
    Diff(Diff),
    /// Create the cluster, load the image, apply the bundle, and wait until it is ready or cannot become ready
    #[command(after_help = UP_HELP)]
    Up(Up),
    /// Delete the objects that `up` applied, and no others
    Down(Down),
    /// Show whether the applied objects are ready and, if not, why and which line to change
    #[command(after_help = STATUS_HELP)]
    Status(Status),
    /// Show where the value of a profile, or of a field of a rendered object, comes from
    #[command(after_help = EXPLAIN_HELP)]
    Explain(Explain),
    /// Draw the references between the objects of a bundle: Mermaid, DOT, SVG or an HTML page
    Graph(Graph),
    /// List the profiles: cluster, namespace, NodePorts, tables, image
    Profiles(Profiles),
    /// List the images of a bundle, one per line, to build, load or pre-pull
    Images(OneProfile),
    /// Print the kind cluster config with the port mappings of a profile
    Kind(OneProfile),
    /// List the rules, or explain one
    Rules(Rules),
    /// Print a JSON Schema for editors: of the files in profiles/, or of plimsoll.toml
    Schema {
        /// Print the schema of plimsoll.toml
        #[arg(long)]
        settings: bool,
    },
    /// Write the built-in profiles and templates to a folder for editing
    Init {
        /// The folder; created if it does not exist
        dir: PathBuf,
        /// Write a minimal project instead of the built-in profiles and templates
        #[arg(long)]
        blank: bool,
    },
    /// Create a project from hand-written copies of one deployment: one base, and one profile per copy, verified to be equal to it
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
    /// Run as a KRM function for kustomize or kpt: add the bundle of a profile to a ResourceList, or check its items
    #[command(name = "fn", after_help = FN_HELP)]
    Function,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Run a language server on standard input and output
    ///
    /// It provides the findings of `render` and `check`, fixes, completion, hover and go to definition. See docs/editor.md.
    Lsp,
    /// Print the manual page
    Man,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Render {
    /// The profiles to render
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "PROFILE")]
    pub(super) profiles: Vec<String>,
    /// Render all profiles of the project that have the environment
    #[arg(long)]
    pub(super) all: bool,
    /// The environment; may be given several times with --out; by default the one in plimsoll.toml, or the only one
    #[arg(long, value_name = "ENV")]
    pub(super) env: Vec<String>,
    #[command(flatten)]
    pub(super) overrides: OverrideArgs,
    /// Print only these objects: Kind or Kind/name; all are checked
    #[arg(long, value_name = "KIND[/NAME]", value_delimiter = ',', conflicts_with = "out")]
    pub(super) only: Vec<String>,
    /// Write one file per bundle into a folder, all files or none; DIR defaults to `out` in plimsoll.toml
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub(super) out: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(super) reports: ReportArgs,
    /// With --out: compare, write nothing, and exit with 1 if something differs
    #[arg(long, requires = "out")]
    pub(super) verify: bool,
    /// Ignore the `allow` entries of plimsoll.toml
    #[arg(long)]
    pub(super) strict: bool,
}

const DIFF_HELP: &str = "\
Examples:
  plimsoll diff gateway              the committed file with the rendered bundle
  plimsoll diff gateway aianalysis   two profiles
  plimsoll diff old.yaml new.yaml    two files or folders; - is standard input
  plimsoll diff --base main          all bundles of a Git revision with those of the working tree
  plimsoll diff --base main...       the same, from the commit at which this branch left main

Exit codes: 0 no differences; 1 differences; 2 a side cannot be read or rendered.";

const EXPLAIN_HELP: &str = "\
Examples:
  # the merged profile, with the origin of each value
  plimsoll explain gateway
  # an object, with the origin of each line
  plimsoll explain gateway Service/datastorage
  # a field: the line of its template, and the values that the line uses
  plimsoll explain gateway Service/datastorage spec.ports[0].nodePort
  plimsoll explain gateway ConfigMap/datastorage-config data[config.yaml].server.port
  # values without effect
  plimsoll explain gateway --unused";

const FN_HELP: &str = "\
The functionConfig selects what the function does:
  apiVersion: plimsoll.dev/v1
  kind: Bundle                          adds the bundle of a profile to the items
  metadata: {name: gateway}
  spec: {profile: gateway, environment: e2e, project: deploy, values: {image: {tag: pr-17}}}

  apiVersion: plimsoll.dev/v1
  kind: Check                           checks the items without changing them
  metadata: {name: check}
  spec: {complete: true, failOn: warning}

Exit codes: 0 no error found; 1 an error found, which is in the results; 2 the function could not run.";

const UP_HELP: &str = "\
If the profile has a kind cluster of its own, `up` creates the cluster if it does not exist, builds
the image (`image.build` in the profile), loads it, and uses the context of the cluster. Select any
other cluster with --context. The ConfigMap plimsoll-PROFILE lists the applied objects, for `down`
and for pruning. To continue after an interruption, run the same command again.

Exit codes: 0 everything is ready; 1 something will not become ready; 2 the command could not run;
124 --timeout; 130 Ctrl-C.";

#[derive(Debug, ClapArgs)]
pub(super) struct Up {
    #[command(flatten)]
    pub(super) bundle: OneProfile,
    /// The kubeconfig context, if the profile has no kind cluster of its own
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// Do not build or load images: they are on the nodes, or in a registry
    #[arg(long)]
    pub(super) no_build: bool,
    /// Time limit: 90s, 20m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "20m")]
    pub(super) timeout: Duration,
    /// Print the commands that would be run, without running them
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Show each command that is run, on stderr
    #[arg(long, short)]
    pub(super) verbose: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) output: StatusFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Down {
    #[command(flatten)]
    pub(super) bundle: OneProfile,
    /// The kubeconfig context, if the profile has no kind cluster of its own
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// Delete the PersistentVolumeClaims as well, with the data
    #[arg(long)]
    pub(super) data: bool,
    /// Delete the kind cluster, and everything in it
    #[arg(long)]
    pub(super) cluster: bool,
    /// Time limit: 90s, 20m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5m")]
    pub(super) timeout: Duration,
    /// Print the commands that would be run, without running them
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Show each command that is run, on stderr
    #[arg(long, short)]
    pub(super) verbose: bool,
}

const STATUS_HELP: &str = "\
Examples:
  # the bundle of a profile, in its kind cluster
  plimsoll status gateway
  # the same, until everything is ready
  plimsoll status gateway --watch --timeout 5m
  # manifests that were not rendered from a profile
  plimsoll status --manifest web.yaml -n shop
  # save the state of the cluster, without secrets, and read it
  plimsoll status gateway --record record.json
  plimsoll status gateway --from record.json

Exit codes: 0 everything is ready; 1 something is not; 2 the command could not run;
124 --timeout; 130 Ctrl-C.";

#[derive(Debug, ClapArgs)]
pub(super) struct Status {
    /// The profile whose bundle was applied
    #[arg(conflicts_with = "manifest", required_unless_present_any = ["manifest", "from", "namespace"])]
    pub(super) profile: Option<String>,
    /// The environment; by default the one in plimsoll.toml, or the only one
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    #[command(flatten)]
    pub(super) overrides: OverrideArgs,
    /// The manifests that were applied, if not rendered from a profile: a file or folder; may be given several times
    #[arg(long, value_name = "FILE|DIR|-")]
    pub(super) manifest: Vec<PathBuf>,
    /// Read the state from a file instead of a cluster: one written by --record, or the output of `kubectl get -o json`
    #[arg(long, value_name = "FILE|-")]
    pub(super) from: Option<PathBuf>,
    /// Poll every second until everything is ready
    #[arg(long, conflicts_with = "from")]
    pub(super) watch: bool,
    /// Save the state of the cluster to a file, with secrets redacted
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// The kubeconfig context; by default that of the profile's kind cluster, else the current one
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub(super) context: Option<String>,
    /// The namespace; by default that of the objects
    #[arg(long, short, value_name = "NAME", conflicts_with = "from")]
    pub(super) namespace: Option<String>,
    /// Time limit: 90s, 20m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "from")]
    pub(super) timeout: Option<Duration>,
    /// Show each command that is run, on stderr
    #[arg(long, short)]
    pub(super) verbose: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) output: StatusFormat,
}

/// A duration as in kubectl: `90s`, `20m`, `1h`, or seconds alone.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("expected a number with s, m or h, as in 90s".to_owned()),
    };
    let seconds = digits.parse::<u32>().map_err(|_| "expected a number with s, m or h, as in 90s".to_owned())?;
    Ok(Duration::from_secs(u64::from(seconds) * factor))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// GitHub workflow commands
    Github,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Explain {
    /// The profile
    pub(super) profile: String,
    /// An object of the bundle; the hash at the end of its name is optional
    #[arg(value_name = "KIND/NAME")]
    pub(super) object: Option<String>,
    /// A field path as in messages of the API server, with list items by index or name; may continue into a YAML string
    #[arg(requires = "object")]
    pub(super) field: Option<String>,
    /// List the profile values that are not used in any environment, and the overrides that change nothing
    #[arg(long, conflicts_with = "object")]
    pub(super) unused: bool,
    /// The environment; by default that of the project, with --unused all of them
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    #[command(flatten)]
    pub(super) overrides: OverrideArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub(super) output: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExplainFormat {
    /// For people
    Terminal,
    /// One JSON document
    Json,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Graph {
    /// A profile, or manifests: a file, a folder, - for standard input
    #[arg(value_name = "PROFILE|FILE|DIR|-")]
    pub(super) bundle: String,
    /// The environment; by default the one in plimsoll.toml, or the only one
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    #[command(flatten)]
    pub(super) overrides: OverrideArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    pub(super) output: GraphFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// For Markdown; GitHub and GitLab render it
    Mermaid,
    /// For Graphviz
    Dot,
    /// A self-contained image, for light and dark backgrounds
    Svg,
    /// A self-contained page: diagram, findings, objects, and the origin of each value
    Html,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Diff {
    /// A profile, or manifests: a file, a folder, - for standard input
    #[arg(value_name = "PROFILE|FILE|DIR|-")]
    pub(super) old: Option<String>,
    /// The other side; without it, PROFILE is compared with its committed file
    #[arg(value_name = "PROFILE|FILE|DIR|-", conflicts_with = "base")]
    pub(super) new: Option<String>,
    /// Render this Git revision as well, and compare it with the working tree
    #[arg(long, value_name = "REVISION", conflicts_with = "out")]
    pub(super) base: Option<String>,
    /// The environment; may be given several times; by default that of the project, with --base all of them
    #[arg(long, value_name = "ENV")]
    pub(super) env: Vec<String>,
    /// The folder of the committed files; by default `out` in plimsoll.toml
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) overrides: OverrideArgs,
    #[command(flatten)]
    pub(super) reports: ReportArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub(super) output: DiffFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    /// For people
    Terminal,
    /// For a comment on a pull request
    Markdown,
    /// One JSON document
    Json,
    /// A page for reviews
    Html,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Profiles {
    /// The environment; by default the one in plimsoll.toml, or the only one
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct OneProfile {
    /// The profile
    pub(super) profile: String,
    /// The environment; by default the one in plimsoll.toml, or the only one
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    #[command(flatten)]
    pub(super) overrides: OverrideArgs,
}

/// Overrides of a profile.
#[derive(Debug, ClapArgs)]
pub(super) struct OverrideArgs {
    /// A file of values that override the profile, - for standard input; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) values: Vec<PathBuf>,
    /// A value that overrides all files: image.tag=1.10; for one of several profiles: web:image.tag=1.10
    #[arg(long, value_name = "[PROFILE:]PATH=VALUE")]
    pub(super) set: Vec<String>,
    /// A string that overrides all files, read from a file
    #[arg(long, value_name = "PATH=FILE")]
    pub(super) set_file: Vec<String>,
}

impl OverrideArgs {
    pub(super) fn to_overrides(&self) -> Overrides {
        let values = self.set.iter().cloned().map(SetArgument::Value);
        let files = self.set_file.iter().cloned().map(SetArgument::File);
        Overrides { values: self.values.clone(), sets: values.chain(files).collect(), ..Overrides::default() }
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct Check {
    /// Files, folders (searched for .yaml, .yml and .json files), or - for standard input
    #[arg(value_name = "FILE|DIR|-")]
    pub(super) paths: Vec<PathBuf>,
    /// Run only these rules or families (api, wiring, rollout, security), separated by commas
    #[arg(long, value_name = "RULE|FAMILY", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Skip these rules or families, separated by commas
    #[arg(long, value_name = "RULE|FAMILY", value_delimiter = ',')]
    pub(super) skip: Vec<String>,
    /// The lowest severity that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    pub(super) fail_on: FailOn,
    /// Also compare the manifests, as a whole, with what this profile renders
    #[arg(long, value_name = "PROFILE")]
    pub(super) profile: Option<String>,
    /// The environment of that profile; by default the one in plimsoll.toml, or the only one
    #[arg(long, value_name = "ENV", requires = "profile")]
    pub(super) env: Option<String>,
    /// The config of the kind cluster the manifests are for
    #[arg(long, value_name = "FILE")]
    pub(super) kind_config: Option<PathBuf>,
    /// A host or object that exists elsewhere: host, host:port or Kind/name; may be given several times
    #[arg(long, value_name = "HOST[:PORT]|KIND/NAME")]
    pub(super) external: Vec<String>,
    /// The deployed version of a known service, or of all of them; may be given several times
    #[arg(long, value_name = "[SERVICE=]VERSION")]
    pub(super) service_version: Vec<String>,
    /// The manifests are complete: a reference to something they do not contain is an error
    #[arg(long)]
    pub(super) complete: bool,
    /// Exclude files that match a pattern, as in .gitignore; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
    /// Ignore the findings recorded in this file; created with all of them if it does not exist
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Check the output of `kubectl kustomize` for a folder; may be given several times
    #[arg(short = 'k', long, value_name = "DIR")]
    pub(super) kustomize: Vec<PathBuf>,
    /// Check the output of `helm template` for a chart; may be given several times
    #[arg(long, value_name = "CHART")]
    pub(super) helm: Vec<String>,
    /// A file of values for the charts; may be given several times
    #[arg(short = 'f', long, value_name = "FILE", requires = "helm")]
    pub(super) values: Vec<PathBuf>,
    /// Let kustomize and Helm fetch remote bases and charts
    #[arg(long)]
    pub(super) remote: bool,
    /// Fix findings in the files: `safe` (the default) makes edits that cannot change the meaning, `suggested` also applies
    /// suggestions, such as similar names
    #[arg(long, value_name = "SAFETY", num_args = 0..=1, require_equals = true, default_missing_value = "safe")]
    pub(super) fix: Option<FixSafety>,
    /// Show the edits of `--fix` and write nothing
    #[arg(long, requires = "fix")]
    pub(super) dry_run: bool,
    /// List what was skipped because it is not a Kubernetes object
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    pub(super) reports: ReportArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = formats())]
    pub(super) output: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FixSafety {
    /// Edits that cannot change the meaning
    Safe,
    /// Also suggestions, such as similar names
    Suggested,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FailOn {
    /// Rejected by the API server, or never ready
    Error,
    /// Can cause problems later
    Warning,
    /// Any finding
    Note,
}

/// The formats of reports, by name.
fn formats() -> impl TypedValueParser<Value = Format> {
    let values = Format::ALL.iter().map(|(name, _, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(values).map(|name| Format::find(&name).unwrap_or(Format::Human))
}

/// Additional reports of the findings.
#[derive(Debug, ClapArgs)]
pub(super) struct ReportArgs {
    /// Also write the findings to a file, as human, json, sarif, github, gitlab or junit; without FILE, human and github are
    /// written to stderr. May be given several times
    #[arg(long, value_name = "FORMAT[=FILE]")]
    pub(super) report: Vec<ReportTo>,
}

/// `FORMAT` or `FORMAT=FILE`.
#[derive(Debug, Clone)]
pub(super) struct ReportTo {
    pub(super) format: Format,
    pub(super) file: Option<PathBuf>,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("missing file name after `=`".to_owned()),
            Some((name, file)) => (name, Some(file.into())),
            None => (text, None),
        };
        let format = Format::find(name).ok_or_else(|| {
            format!("the formats are {}", suggest::list(Format::ALL.iter().map(|(name, ..)| name), "and"))
        })?;
        if file.is_none() && !format.is_lines() {
            return Err(format!("`{name}` requires a file, as in `{name}=report.{name}`"));
        }
        Ok(Self { format, file })
    }
}

const IMPORT_HELP: &str = "\
Examples:
  # two copies, each in one file
  plimsoll import gateway.yaml aianalysis.yaml --into deploy
  # copies in folders, with names for their profiles
  plimsoll import dev=overlays/dev prod=overlays/prod --into out
  # a rendered chart
  helm template web . -f prod.yaml | plimsoll import prod=- --into out
  # only the report of the differences
  plimsoll import gateway.yaml aianalysis.yaml --dry-run
  # a newer copy: updates its profile
  plimsoll import gateway.yaml --into deploy

Nothing is written unless every profile renders to objects equal to those of its copy.";

#[derive(Debug, ClapArgs)]
pub(super) struct Import {
    /// The copies: a file, a folder or - for standard input; a profile is named NAME, or after its file
    #[arg(value_name = "[NAME=]PATH", required = true)]
    pub(super) copies: Vec<String>,
    /// The folder of the project: a new one, or one that `import` created
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub(super) into: Option<PathBuf>,
    /// Print the report without writing anything
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) output: ImportFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ImportFormat {
    /// Tables for people
    Human,
    /// For a page or a comment on a pull request
    Markdown,
    /// One JSON document
    Json,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Rules {
    /// A rule to explain
    pub(super) id: Option<String>,
    /// Only the rules of a family
    #[arg(long, value_parser = PossibleValuesParser::new(["api", "wiring", "rollout", "security", "status"]))]
    pub(super) family: Option<String>,
    /// Write a Markdown page for each rule into a folder, for a site
    #[arg(long, value_name = "DIR", conflicts_with_all = ["id", "family"])]
    pub(super) output: Option<PathBuf>,
    /// Print what is known about services and public images
    #[arg(long, conflicts_with_all = ["id", "family"])]
    pub(super) software: bool,
}

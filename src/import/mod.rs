//! `plimsoll import`: turns several hand-written copies of one deployment into a base and one profile per copy.
//!
//! Objects are matched across the copies ([`matching`]), and list items within them ([`align`]). What is equal in all
//! copies, as the API server stores it ([`equal`]), becomes template text; what differs becomes a site
//! ([`anti_unify`]). Sites that vary together become one field ([`fields`]; [`strings`] finds the differing parts of
//! strings), which gets a descriptive name ([`names`]). The new project ([`layout`], [`template`]) is rendered in
//! memory and compared with the copies ([`prove`]) before it is written.

mod align;
mod anti_unify;
mod components;
mod copies;
mod describe;
mod equal;
mod external;
mod extract;
mod fields;
mod layout;
mod matching;
mod names;
mod parts;
mod prove;
mod report;
mod schema;
mod show;
mod strings;
mod template;
mod typical;
mod update;

use std::collections::{BTreeMap, BTreeSet};

pub use copies::{Variant, profile_name};
pub use report::Report;
pub use update::{ProfileUpdate, update};

use crate::finding::{Failure, Finding, ObjectRef, RuleId};
use crate::kube::crd::CustomKinds;
use crate::render::Rendered;
use crate::service::Services;
use crate::source::{Sources, Span};

use anti_unify::Merger;
use components::Components;
use fields::FieldSet;
use layout::{AllowedFinding, ProfileExtras};
use matching::{MatchedObject, OwnWords};
use parts::{TemplateMember, TemplateSite};
use typical::TypicalFields;

/// The result of an import.
#[derive(Debug)]
pub struct Import<'a> {
    variants: &'a [Variant],
    classes: Vec<MatchedObject<'a>>,
    members: Vec<TemplateMember>,
    sites: Vec<TemplateSite>,
    fields: FieldSet,
    components: Components,
    extras: Vec<ProfileExtras>,
    allowed: BTreeSet<AllowedFinding>,
    /// The fields that no profile has, because only the API server sets them.
    left_out: BTreeSet<String>,
    /// Each profile's bundle; its objects equal those of its copy.
    pub rendered: Vec<Rendered>,
    /// The sources that the values in the bundles come from.
    pub sources: Sources,
}

/// Imports the copies into one project and verifies the result.
///
/// # Errors
/// If a copy is invalid, or one of its objects cannot be reproduced.
pub fn import<'a>(variants: &'a [Variant], services: &Services) -> Result<Import<'a>, Failure> {
    let faults = copies::faults(variants);
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let words = OwnWords::of(variants);
    let classes = matching::classes(variants, &words);
    let custom = custom_kinds(variants);
    let usual = TypicalFields::of(variants);
    let mut merger = Merger::new(&words, &custom, usual.as_ref());
    let members: Vec<TemplateMember> = classes.iter().enumerate().map(|(at, class)| merger.class(at, class)).collect();
    let (sites, left_out) = (merger.sites, merger.left_out);
    let components = Components::find(&classes, &words);
    let (members, sites, mut fields) = joint(&members, &sites, &words, largest(variants));
    names::assign(&mut fields, &classes, &components, &words);
    let extras: Vec<ProfileExtras> = variants
        .iter()
        .map(|variant| ProfileExtras {
            external: external::externals(&variant.objects, services),
            ..ProfileExtras::default()
        })
        .collect();
    let mut import = Import {
        variants,
        classes,
        members,
        sites,
        fields,
        components,
        extras,
        allowed: BTreeSet::new(),
        left_out,
        rendered: Vec::new(),
        sources: Sources::new(),
    };
    import.prove()?;
    Ok(import)
}

/// The custom resource definitions among the copies.
fn custom_kinds(variants: &[Variant]) -> CustomKinds<'_> {
    CustomKinds::new(variants.iter().flat_map(|variant| variant.objects.iter().map(|object| &object.node)))
}

/// The copy with the most objects, then the most nodes; the first one of equals.
fn largest(variants: &[Variant]) -> usize {
    let size = |variant: &Variant| variant.objects.iter().map(|object| fields::nodes(&object.node)).sum::<usize>();
    let most = variants.iter().map(|variant| (variant.objects.len(), size(variant))).enumerate();
    most.max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0))).map_or(0, |(at, _)| at)
}

/// Makes the fields. Only fields of one meaning are joined, unless the profiles would then repeat values too often.
fn joint(
    members: &[TemplateMember],
    sites: &[TemplateSite],
    words: &[OwnWords],
    largest: usize,
) -> (Vec<TemplateMember>, Vec<TemplateSite>, FieldSet) {
    /// How many times as many values the profiles may have as with all fields joined that vary together.
    const MAX_REPEATED: f64 = 1.3;
    let make = |loose: bool| {
        let (mut members, mut sites) = (members.to_vec(), sites.to_vec());
        let mut fields = fields::fields(&mut members, &mut sites, words, loose);
        layout::choose_base(&mut fields, largest);
        let count: usize = (0..words.len()).map(|copy| layout::values(&fields, copy).len()).sum();
        (count, (members, sites, fields))
    };
    let (strict_count, strict) = make(false);
    let (loose_count, loose) = make(true);
    if strict_count as f64 <= loose_count as f64 * MAX_REPEATED { strict } else { loose }
}

impl Import<'_> {
    /// Renders the project in memory and compares it with the copies. An object that differs is kept verbatim; if it
    /// still differs, the import fails.
    fn prove(&mut self) -> Result<(), Failure> {
        let (sources, rendered) = self.render()?;
        let differences = self.differences(&rendered);
        if differences.is_empty() {
            (self.sources, self.rendered) = (sources, rendered);
            return Ok(());
        }
        for difference in &differences {
            let found = self.classes.iter().position(|class| {
                class.objects[difference.copy].is_some_and(|object| object.id.to_string() == difference.object)
            });
            let Some(number) = found else { continue };
            let name = layout::object_field(number, &self.classes);
            for (extra, object) in self.extras.iter_mut().zip(&self.classes[number].objects) {
                if let Some(object) = object {
                    extra.objects.insert(name.clone(), equal::with_whole_numbers(&object.node));
                }
            }
        }
        let (sources, rendered) = self.render()?;
        let differences = self.differences(&rendered);
        if differences.is_empty() {
            (self.sources, self.rendered) = (sources, rendered);
            return Ok(());
        }
        let refused = differences.iter().map(|difference| {
            let variant = &self.variants[difference.copy];
            let field = if difference.field.is_empty() { String::new() } else { format!(" `{}`", difference.field) };
            let message = format!("cannot reproduce {}{field} of `{}`", difference.object, variant.path);
            Finding::error(RuleId::ImportRefused, Span::NONE, message)
                .with_help("nothing was written: no profile can render an object equal to this one")
        });
        Err(refused.collect::<Vec<_>>().into())
    }

    fn render(&self) -> Result<(Sources, Vec<Rendered>), Failure> {
        let sources = Sources::new();
        let rendered = prove::render(&self.project(), self.variants, &sources).map_err(|failure| {
            // The project is generated, so an error in it is not the user's.
            let reasons = failure.findings().iter().map(|finding| {
                let position = sources.describe(finding.span);
                let message = format!("cannot reproduce a copy: {} ({position})", finding.message);
                Finding::error(RuleId::ImportRefused, Span::NONE, message).with_help("nothing was written")
            });
            Failure::from(reasons.collect::<Vec<_>>())
        })?;
        Ok((sources, rendered))
    }

    fn differences(&self, rendered: &[Rendered]) -> Vec<prove::Difference> {
        let custom = custom_kinds(self.variants);
        let pairs = self.variants.iter().zip(rendered).enumerate();
        let different = |(copy, (variant, rendered)): (usize, (&Variant, &Rendered))| {
            prove::differences(copy, &variant.objects, rendered, &custom)
        };
        pairs.flat_map(different).collect()
    }

    fn project(&self) -> layout::Files {
        layout::files(
            self.variants,
            &self.classes,
            &self.members,
            &self.sites,
            &self.fields,
            &self.components,
            &self.extras,
        )
    }

    /// Allows a finding of a profile that its copy already has.
    pub fn allow(&mut self, copy: usize, rule: RuleId, object: Option<&ObjectRef>) {
        let variant = &self.variants[copy];
        self.allowed.insert(AllowedFinding {
            rule: rule.name(),
            profile: variant.name.clone(),
            object: object.map(ToString::to_string).unwrap_or_default(),
            because: format!("present in {}", variant.path),
        });
    }

    /// The files of the new project by path.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut files = self.project();
        let allowed: Vec<AllowedFinding> = self.allowed.iter().cloned().collect();
        files.insert(crate::project::FILE.to_owned(), layout::settings(&allowed));
        files
    }
}

//! The page of a bundle: its diagram, its findings, and its objects with the origins of their values.

use std::cmp::Reverse;
use std::fmt::Write as _;

use foldhash::{HashMap, HashMapExt};

use crate::diagram::{Arrow, Diagram, Role, drawing};
use crate::diff::Redactor;
use crate::finding::{Finding, ObjectRef, Severity};
use crate::object::Object;
use crate::page::object::{Origins, yaml};
use crate::page::{chip, icon_of, page, title, words};
use crate::report::{Secrets, markup};
use crate::source::Sources;
use crate::suggest;

const SCRIPT: &str = include_str!("page.js");

/// The contents of the page of a bundle.
#[derive(Debug)]
pub struct Bundle<'a> {
    /// The name of a profile, a file or a directory.
    pub name: &'a str,
    /// The environment; empty if there is none.
    pub environment: &'a str,
    /// The objects of the bundle, which are the first in the diagram.
    pub objects: &'a [Object],
    /// The objects of bundles that it depends on.
    pub needed: &'a [Object],
    /// The diagram.
    pub diagram: &'a Diagram,
    /// The findings.
    pub findings: &'a [Finding],
    /// The sources of the objects.
    pub sources: &'a Sources,
}

/// The page of a bundle.
#[must_use]
pub fn bundle(bundle: &Bundle<'_>) -> String {
    let objects = || bundle.objects.iter().chain(bundle.needed);
    let (mask, redactor) = (Secrets::of(bundle.sources, objects()), Redactor::of(bundle.sources, objects()));
    let numbers = numbers(bundle.objects);
    let about = about(bundle, &numbers);
    let shown = BundlePage { bundle, mask, redactor, numbers, about };
    let title = title(bundle.name, bundle.environment);
    let mut out = String::from("<a class=\"skip\" href=\"#objects\">Skip to the objects</a>\n");
    shown.header(&mut out);
    out.push_str("<main>\n");
    shown.diagram(&title, &mut out);
    shown.findings(&mut out);
    let data = shown.objects(&mut out);
    out.push_str("</main>\n");
    out.push_str(
        "<footer><p class=\"scripted\"><kbd>/</kbd> search · <kbd>↑</kbd> <kbd>↓</kbd> from object to object and from value to \
         value · <kbd>Enter</kbd> the origin of a value · <kbd>Esc</kbd> close · <kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd> the size \
         of the diagram</p>\n<noscript><p>The origins of values and the search need JavaScript.</p></noscript></footer>\n",
    );
    page(&title, &out, Some((SCRIPT, &data)))
}

struct BundlePage<'a> {
    bundle: &'a Bundle<'a>,
    mask: Secrets,
    redactor: Redactor<'a>,
    numbers: HashMap<&'a ObjectRef, usize>,
    about: Vec<About<'a>>,
}

/// Further information about an object.
#[derive(Default)]
struct About<'a> {
    /// Its findings by descending severity.
    findings: Vec<&'a Finding>,
    /// The arrows from it.
    uses: Vec<&'a Arrow>,
    /// The arrows to it.
    used: Vec<&'a Arrow>,
    /// Its component.
    group: &'a str,
}

fn about<'a>(bundle: &Bundle<'a>, numbers: &HashMap<&'a ObjectRef, usize>) -> Vec<About<'a>> {
    let mut about: Vec<About<'a>> = bundle.objects.iter().map(|_| About::default()).collect();
    for finding in bundle.findings {
        let object = finding.object.as_ref().and_then(|object| numbers.get(object));
        object.into_iter().for_each(|number| about[*number].findings.push(finding));
    }
    about.iter_mut().for_each(|one| one.findings.sort_by_key(|finding| Reverse(finding.severity)));
    for arrow in &bundle.diagram.arrows {
        about.get_mut(arrow.from).into_iter().for_each(|one| one.uses.push(arrow));
        about.get_mut(arrow.to).into_iter().for_each(|one| one.used.push(arrow));
    }
    for (name, numbers) in &bundle.diagram.groups {
        for number in numbers {
            about.get_mut(*number).into_iter().for_each(|one| one.group = name);
        }
    }
    about
}

/// The numbers of findings by severity.
fn counts<'a>(findings: impl Iterator<Item = &'a Finding> + Clone) -> impl Iterator<Item = (&'static str, usize)> {
    [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(move |severity| (severity.name(), findings.clone().filter(|finding| finding.severity == severity).count()))
}

/// The indices of objects; the first index for objects with the same identity.
fn numbers(objects: &[Object]) -> HashMap<&ObjectRef, usize> {
    let mut numbers = HashMap::with_capacity(objects.len());
    for (number, object) in objects.iter().enumerate() {
        numbers.entry(&object.id).or_insert(number);
    }
    numbers
}

impl BundlePage<'_> {
    fn header(&self, out: &mut String) {
        let Bundle { name, environment, objects, diagram, findings, .. } = self.bundle;
        let mut facts = Vec::new();
        if !environment.is_empty() {
            facts.push(format!("environment <strong>{}</strong>", markup(environment)));
        }
        let mut namespaces: Vec<&str> = objects.iter().map(|object| object.namespace()).collect();
        namespaces.retain(|namespace| !namespace.is_empty());
        namespaces.sort_unstable();
        namespaces.dedup();
        match namespaces.as_slice() {
            [] => {}
            [one] => facts.push(format!("namespace <strong>{}</strong>", markup(one))),
            several => facts.push(suggest::count(several.len(), "namespace")),
        }
        facts.push(suggest::count(objects.len(), "object"));
        facts.push(suggest::count(diagram.arrows.len(), "reference"));
        let chips = counts(findings.iter());
        let mut tally: String = chips.map(|(name, number)| chip(number, &suggest::count(number, name), name)).collect();
        if findings.iter().all(|finding| finding.severity == Severity::Note) {
            tally.insert_str(0, &chip(1, "no errors or warnings", "good"));
        }
        let _ = writeln!(
            out,
            "<header>\n<div>\n<p class=\"over\">Bundle</p>\n<h1>{}</h1>\n<p class=\"facts\">{}</p>\n<p class=\"tally\">{tally}</p>\n\
             </div>\n<div class=\"search scripted\" role=\"search\">\n<label class=\"over\" for=\"query\">Search</label>\n\
             <input id=\"query\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" \
             placeholder=\"A name, a kind, a field, a value\"/>\n<output id=\"count\" for=\"query\" aria-live=\"polite\"></output>\n\
             </div>\n</header>",
            markup(name),
            facts.join(" · ")
        );
    }

    fn diagram(&self, title: &str, out: &mut String) {
        let roles = Role::ALL.into_iter().filter_map(|role| {
            let of_role = self.bundle.objects.iter().find(|object| Role::of(object.kind()) == role)?;
            // A Secret has a different icon.
            let kind = if role == Role::Config { "ConfigMap" } else { of_role.kind() };
            Some(format!("<li>{}{}</li>", icon_of(kind), role.title()))
        });
        let _ = writeln!(
            out,
            "<section aria-labelledby=\"diagram\">\n<div class=\"bar\"><h2 id=\"diagram\">Diagram</h2>\n<ul class=\"legend\">{}</ul>\n\
             <div class=\"zoom scripted\"><button data-zoom=\"0.8\" aria-label=\"Smaller\">−</button>\
             <button data-zoom=\"1.25\" aria-label=\"Larger\">+</button><button data-zoom=\"0\">Fit</button></div></div>",
            roles.collect::<String>()
        );
        let own = self.bundle.objects.len();
        let link = |number: usize| (number < own).then(|| format!("#o{number}"));
        match drawing(self.bundle.diagram, title, &link) {
            Ok(drawing) => {
                let _ = writeln!(
                    out,
                    "<div class=\"canvas\" tabindex=\"0\" role=\"region\" aria-label=\"Diagram\">\n{drawing}</div>"
                );
            }
            Err(_) => out.push_str(
                "<p class=\"quiet\">The bundle is too large for a diagram; each object below lists its references.</p>\n",
            ),
        }
        out.push_str("</section>\n");
    }

    fn findings(&self, out: &mut String) {
        let mut findings: Vec<&Finding> = self.bundle.findings.iter().collect();
        if findings.is_empty() {
            return;
        }
        findings.sort_by_key(|finding| Reverse(finding.severity));
        out.push_str("<section id=\"findings\" aria-labelledby=\"found\">\n<div class=\"bar\"><h2 id=\"found\">Findings</h2></div>\n<ul class=\"found\">\n");
        findings.iter().for_each(|finding| self.finding(finding, true, out));
        out.push_str("</ul>\n</section>\n");
    }

    /// A finding; without the name of the object if it is listed in it.
    fn finding(&self, finding: &Finding, with_object: bool, out: &mut String) {
        let severity = finding.severity.name();
        let say = |text: &str| words(&self.mask.words(text));
        let _ = write!(
            out,
            "<li><span class=\"severity {severity}\">{severity}</span><p>{} <span class=\"quiet\">[{}]</span></p><p class=\"about\">",
            say(&finding.message),
            markup(finding.rule.name())
        );
        let mut about = Vec::new();
        if let Some(object) = finding.object.as_ref().filter(|_| with_object) {
            about.push(match self.numbers.get(object) {
                Some(number) => format!("<a href=\"#o{number}\">{}</a>", markup(&object.to_string())),
                None => markup(&object.to_string()),
            });
        }
        if !finding.field.is_empty() {
            about.push(format!("<code>{}</code>", markup(&self.mask.words(&finding.field))));
        }
        if !finding.span.is_none() {
            about.push(markup(&self.bundle.sources.describe(finding.span)));
        }
        out.push_str(&about.join(" · "));
        let advice: Vec<String> =
            [&finding.label, &finding.help].into_iter().filter(|text| !text.is_empty()).map(|text| say(text)).collect();
        if !advice.is_empty() {
            let _ = write!(out, "{}{}", if about.is_empty() { "" } else { "<br/>" }, advice.join("; "));
        }
        out.push_str("</p></li>\n");
    }

    /// The table of objects and their YAML. Returns the data for the script of the page.
    fn objects(&self, out: &mut String) -> String {
        let objects = self.bundle.objects;
        out.push_str(
            "<section id=\"objects\" class=\"split\" aria-labelledby=\"all\">\n<div class=\"list\">\n<h2 id=\"all\">Objects</h2>\n<table>\n\
             <thead><tr><th scope=\"col\">Object</th><th scope=\"col\" class=\"count\" title=\"objects that it refers to\">uses</th>\
             <th scope=\"col\" class=\"count\" title=\"objects that refer to it\">used by</th>\
             <th scope=\"col\" class=\"count\">findings</th></tr></thead>\n",
        );
        let order: Vec<(Role, Vec<usize>)> = Role::ALL
            .into_iter()
            .map(|role| (role, (0..objects.len()).filter(|number| Role::of(objects[*number].kind()) == role).collect()))
            .filter(|(_, numbers): &(Role, Vec<usize>)| !numbers.is_empty())
            .collect();
        for (role, numbers) in &order {
            let _ = writeln!(
                out,
                "<tbody>\n<tr><th scope=\"rowgroup\" colspan=\"4\">{} <span>{}</span></th></tr>",
                role.title(),
                numbers.len()
            );
            for number in numbers {
                let object = &objects[*number];
                let About { findings, uses, used, .. } = &self.about[*number];
                let marks: Vec<String> = counts(findings.iter().copied())
                    .filter(|(_, number)| *number > 0)
                    .map(|(name, number)| {
                        format!("<span class=\"severity {name}\">{}</span>", suggest::count(number, name))
                    })
                    .collect();
                let (uses, used) = (uses.len(), used.len());
                let _ = writeln!(
                    out,
                    "<tr data-object=\"o{number}\"><td><a href=\"#o{number}\">{}<span>{}<small>{}</small></span></a></td>\
                     <td class=\"count\">{uses}</td><td class=\"count\">{used}</td><td class=\"marks\">{}</td></tr>",
                    icon_of(object.kind()),
                    markup(object.name()),
                    markup(object.kind()),
                    marks.join("<br/>")
                );
            }
            out.push_str("</tbody>\n");
        }
        out.push_str("</table>\n</div>\n<div>\n");
        let mut origins = Origins::default();
        let order: Vec<usize> = order.into_iter().flat_map(|(_, numbers)| numbers).collect();
        for number in &order {
            self.object(*number, &mut origins, out);
        }
        out.push_str("</div>\n</section>\n");
        // An object with the highest severity is selected first.
        let worst = |number: &&usize| Reverse(self.about[**number].findings.first().map(|finding| finding.severity));
        let start = order.iter().min_by_key(worst).map(|number| format!("o{number}")).unwrap_or_default();
        origins.json(&start)
    }

    fn object(&self, number: usize, origins: &mut Origins, out: &mut String) {
        let (object, about) = (&self.bundle.objects[number], &self.about[number]);
        let mut facts = vec![format!("<code>{}</code>", markup(&object.id.api_version))];
        if !object.namespace().is_empty() {
            facts.push(format!("namespace <code>{}</code>", markup(object.namespace())));
        }
        if !about.group.is_empty() {
            facts.push(format!("component <code>{}</code>", markup(about.group)));
        }
        if !object.span().is_none() {
            facts.push(format!("<code>{}</code>", markup(&self.bundle.sources.describe(object.span()))));
        }
        let _ = writeln!(
            out,
            "<article class=\"object\" id=\"o{number}\" aria-labelledby=\"t{number}\" tabindex=\"-1\">\n<div class=\"title\">{}\
             <div><p class=\"quiet\">{}</p><h3 id=\"t{number}\">{}</h3></div></div>\n<p class=\"facts\">{}</p>",
            icon_of(object.kind()),
            markup(object.kind()),
            markup(object.name()),
            facts.join(" · ")
        );
        if !about.findings.is_empty() {
            out.push_str("<ul class=\"found\">\n");
            about.findings.iter().for_each(|finding| self.finding(finding, false, out));
            out.push_str("</ul>\n");
        }
        self.references(about, out);
        out.push_str("<p class=\"tip scripted\">Click a value to see its origin.</p>\n");
        out.push_str(&yaml(object, &about.findings, (self.bundle.sources, &self.redactor), origins));
        out.push_str("</article>\n");
    }

    /// The objects that an object uses, and those that use it.
    fn references(&self, about: &About<'_>, out: &mut String) {
        let Bundle { diagram, objects, .. } = self.bundle;
        let entry = |other: usize, labels: &[String]| {
            let one = &diagram.boxes[other];
            let name = markup(&format!("{}/{}", one.kind, one.name));
            let name = if other < objects.len() { format!("<a href=\"#o{other}\">{name}</a>") } else { name };
            let state = one.presence.word().map(|word| format!(" <span>({word})</span>")).unwrap_or_default();
            format!("<li><span>{}</span> {name}{state}</li>", markup(&labels.join(", ")))
        };
        let uses = about.uses.iter().map(|arrow| entry(arrow.to, &arrow.labels));
        let used = about.used.iter().map(|arrow| entry(arrow.from, &arrow.labels));
        let lists = [("Uses", uses.collect::<String>()), ("Used by", used.collect::<String>())];
        let lists = lists.iter().filter(|(_, entries)| !entries.is_empty());
        let lists: String =
            lists.map(|(title, entries)| format!("<div><h4>{title}</h4><ul>{entries}</ul></div>")).collect();
        if !lists.is_empty() {
            let _ = writeln!(out, "<div class=\"links\">{lists}</div>");
        }
    }
}

//! Self-contained HTML pages of a bundle and of a comparison.

mod bundle;
mod object;
mod review;

use std::fmt::Write as _;

use crate::diagram::{Role, STYLE, icon};
use crate::digest;
use crate::formats::go::encode_base64;
use crate::report::{markup, plain};

pub use bundle::{Bundle, bundle};
pub use review::review;

/// The title of a bundle: its name, and its environment if any.
#[must_use]
pub fn title(name: &str, environment: &str) -> String {
    match environment {
        "" => plain(name),
        environment => format!("{} · {}", plain(name), plain(environment)),
    }
}

/// A page with a body. `script` is a script and its JSON data. The content security policy only allows this script and
/// the style.
fn page(title: &str, body: &str, script: Option<(&str, &str)>) -> String {
    let style = format!("{STYLE}{}", include_str!("page.css"));
    let allowed = script.map(|(script, _)| format!("; script-src 'sha256-{}'", hash(script))).unwrap_or_default();
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'{allowed}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{}</title>\n\
         <style>{style}</style>\n</head>\n<body>\n{body}",
        hash(&style),
        markup(title)
    );
    if let Some((script, data)) = script {
        // In a script element, only the end tag is markup.
        let data = data.replace('<', "\\u003c");
        let _ =
            write!(out, "<script type=\"application/json\" id=\"data\">{data}</script>\n<script>{script}</script>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// The hash of a style or script for the content security policy.
fn hash(text: &str) -> String {
    encode_base64(&digest::bytes(text))
}

/// The icon of a kind.
fn icon_of(kind: &str) -> String {
    format!(
        "<svg class=\"diagram icon\" viewBox=\"0 0 26 26\" aria-hidden=\"true\"><g class=\"box {}\">\
         <rect class=\"tile\" width=\"26\" height=\"26\" rx=\"6\"/><path transform=\"translate(4 4) scale(0.9)\" d=\"{}\"/></g></svg>",
        Role::of(kind).class(),
        icon(kind)
    )
}

/// A message, in which backticks mark code, as HTML.
fn words(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // An unpaired backtick is literal.
    let pairs = (parts.len() - 1) / 2 * 2;
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        let sign = match at {
            0 => "",
            at if at > pairs => "`",
            at if at % 2 == 1 => "<code>",
            _ => "</code>",
        };
        out.push_str(sign);
        out.push_str(&markup(part));
    }
    out
}

/// A chip with a label, if the count is not 0.
fn chip(count: usize, words: &str, class: &str) -> String {
    if count == 0 { String::new() } else { format!("<span class=\"chip {class}\">{words}</span>") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_in_pairs_mark_code() {
        for (text, shown) in [
            ("port `80` of `a<b`", "port <code>80</code> of <code>a&lt;b</code>"),
            ("one ` alone", "one ` alone"),
            ("`a` and ` alone", "<code>a</code> and ` alone"),
            ("``", "<code></code>"),
            ("", ""),
        ] {
            assert_eq!(words(text), shown, "{text}");
        }
    }
}

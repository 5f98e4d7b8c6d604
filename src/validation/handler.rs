//! The handlers of probes and lifecycle hooks.

use super::enums;
use crate::formats::names;
use crate::node::{Node, Value};
use crate::validation::{At, Faults};

/// What a handler is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandlerUse {
    /// A probe: `exec`, `httpGet`, `tcpSocket` or `grpc`.
    Probe,
    /// A lifecycle hook: `exec`, `httpGet`, `tcpSocket` or `sleep`.
    Hook {
        /// The termination grace period of the pod in seconds, which limits a sleep.
        grace: i64,
    },
}

/// Validates that there is exactly one handler, and the handler.
pub fn check(at: &At<'_, '_>, place: HandlerUse, faults: &mut Faults<'_, '_>) {
    let last = if place == HandlerUse::Probe { "grpc" } else { "sleep" };
    let mut handlers = 0;
    for field in ["exec", "httpGet", "tcpSocket", last] {
        let handler = at.get(field);
        if !handler.is_set() {
            continue;
        }
        handlers += 1;
        if handlers > 1 {
            faults.breaks(&handler, "must not specify more than one handler");
            continue;
        }
        match (field, place) {
            ("exec", _) => {
                let command = handler.get("command");
                if command.node.items().is_empty() {
                    faults.add(&command, "the command must not be empty");
                }
            }
            ("httpGet", _) => http_get(&handler, faults),
            ("sleep", HandlerUse::Hook { grace }) => {
                let seconds = handler.node["seconds"].as_i64().unwrap_or(0);
                if !(0..=grace).contains(&seconds) {
                    let message =
                        format!("sleep of {seconds}s must be between 0 and the termination grace period of {grace}s");
                    faults.add(&handler, message);
                }
            }
            _ => port(&handler.get("port"), faults),
        }
    }
    if handlers == 0 {
        faults.breaks(at, format!("must specify a handler: `exec`, `httpGet`, `tcpSocket` or `{last}`"));
    }
}

fn http_get(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    port(&at.get("port"), faults);
    enums::choice_or_empty(&at.get("scheme"), &["HTTP", "HTTPS"], faults);
    let headers = at.get("httpHeaders");
    for header in headers.node.items() {
        let name: &Node = &header["name"];
        if let Err(form) = names::http_header_name(name.text()) {
            // The API server reports the list.
            faults.add(&headers.same(name), format!("the header name `{}` {form}", name.text()));
        }
    }
}

/// Validates a port number or name; a port that is not set is 0.
pub fn port(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let checked = match &at.node.value {
        Value::String(name) => names::port_name(name),
        _ => names::port_number(at.number().unwrap_or(0)),
    };
    if let Err(form) = checked {
        let message = match &at.node.value {
            Value::Null => "`port` is required".to_owned(),
            Value::String(name) => format!("the port name `{name}` {form}"),
            _ => format!("the port number {form}"),
        };
        faults.add(at, message);
    }
}

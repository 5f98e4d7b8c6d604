//! Rule `image-unqualified`.

use crate::check::rules::wiring::_shared::registry;
use crate::check::rules::wiring::image_text_invalid::fault;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::image_name;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageUnqualified,
    doc: Doc {
        checks: "\
Checks for images without a registry that are not one of Docker's official images. The finding is a
warning. For a known service it is an error if the manifests are complete (`--complete`,
`--profile`, `render`). For other programs it is reported only for complete manifests and the
bundles of the project, since build tools such as skaffold put a registry before the images that
they build. Nothing is reported for `org/name`, which is common for images of Docker Hub, unless the
service is built locally, and for images that are never pulled, which `image-not-loaded` checks.",
        why: "\
A name without a registry means `docker.io/library/<name>`, where only Docker's official images are.
Another name (`datastorage:e2e-test`) is not found there: the pod stays in `ImagePullBackOff`.",
        fix: "\
Name the registry, or use `localhost/<name>:<tag>` with `imagePullPolicy: Never` for an image that
is loaded into the nodes.",
        source: "\
https://kubernetes.io/docs/concepts/containers/images/#image-names and
https://docs.docker.com/docker-hub/image-library/trusted-content/.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: datastorage}
spec: {containers: [{name: datastorage, image: "datastorage:e2e-test"}]}
"#,
    good: r#"-spec: {containers: [{name: datastorage, image: "datastorage:e2e-test"}]}
+spec: {containers: [{name: datastorage, image: "ghcr.io/acme/datastorage:e2e-test"}]}
"#,
    check: Check::Bundle(check),
};

/// Docker's official images.
const OFFICIAL: &[&str] = &[
    "adminer",
    "alpine",
    "almalinux",
    "amazonlinux",
    "archlinux",
    "bash",
    "buildpack-deps",
    "busybox",
    "caddy",
    "cassandra",
    "centos",
    "chronograf",
    "clickhouse",
    "clojure",
    "composer",
    "consul",
    "couchbase",
    "couchdb",
    "crate",
    "dart",
    "debian",
    "docker",
    "drupal",
    "eclipse-mosquitto",
    "eclipse-temurin",
    "elasticsearch",
    "elixir",
    "erlang",
    "express-gateway",
    "fedora",
    "flink",
    "fluentd",
    "gazebo",
    "gcc",
    "geonetwork",
    "ghost",
    "golang",
    "gradle",
    "groovy",
    "haproxy",
    "haskell",
    "haxe",
    "hello-world",
    "httpd",
    "hylang",
    "ibmjava",
    "influxdb",
    "irssi",
    "jetty",
    "joomla",
    "jruby",
    "julia",
    "kapacitor",
    "kibana",
    "kong",
    "krakend",
    "lightstreamer",
    "liquibase",
    "logstash",
    "mageia",
    "mariadb",
    "matomo",
    "maven",
    "mediawiki",
    "memcached",
    "mongo",
    "mongo-express",
    "monica",
    "mono",
    "mysql",
    "nats",
    "nats-streaming",
    "neo4j",
    "neurodebian",
    "nextcloud",
    "nginx",
    "node",
    "notary",
    "odoo",
    "open-liberty",
    "openjdk",
    "oraclelinux",
    "orientdb",
    "percona",
    "perl",
    "photon",
    "php",
    "php-zendserver",
    "phpmyadmin",
    "plone",
    "postfixadmin",
    "postgres",
    "pypy",
    "python",
    "r-base",
    "rabbitmq",
    "rakudo-star",
    "redis",
    "redmine",
    "registry",
    "rethinkdb",
    "rocket.chat",
    "rockylinux",
    "ros",
    "ruby",
    "rust",
    "sapmachine",
    "satosa",
    "scratch",
    "silverpeas",
    "solr",
    "sonarqube",
    "spark",
    "spiped",
    "storm",
    "swift",
    "swipl",
    "teamspeak",
    "telegraf",
    "tomcat",
    "tomee",
    "traefik",
    "ubuntu",
    "unit",
    "valkey",
    "varnish",
    "vault",
    "websphere-liberty",
    "wordpress",
    "xwiki",
    "yourls",
    "znc",
    "zookeeper",
    "flyway",
    "api-firewall",
    "arangodb",
    "backdrop",
    "bonita",
    "cirros",
    "emqx",
    "hitch",
    "hipache",
    "aerospike",
    "sl",
    "clefos",
    "fsharp",
    "known",
];

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for (at, pod) in graph.pods.iter().enumerate() {
        for (number, container) in pod.containers.iter().enumerate() {
            let image = container.image();
            let name = image_name(image);
            // `org/name` is common on Docker Hub. `image-not-loaded` reports images that are never pulled.
            let known = graph.known_as(at, number);
            // A known service that is built locally is not on Docker Hub.
            let is_on_hub = name.contains('/') && known.is_none_or(|view| view.service.image.is_none());
            let is_unqualified =
                !name.is_empty() && !is_on_hub && registry(image).is_none() && !OFFICIAL.contains(&name);
            if !is_unqualified
                || container.node["imagePullPolicy"].text() == "Never"
                || fault(image).is_some()
                || image.contains('$')
            {
                continue;
            }
            // Build tools such as skaffold put a registry before the images that they build.
            if known.is_none() && !bundle.options.complete && !bundle.options.is_rendered {
                continue;
            }
            let severity = if known.is_some() { bundle.absent() } else { Severity::Warning };
            let draft = report
                .at(
                    pod.object,
                    &container.node["image"],
                    format!("`{image}` has no registry, but `{name}` is not a Docker official image"),
                )
                .severity(severity);
            match known.and_then(|view| view.service.image.as_deref()) {
                Some(built) => draft.help(format!("name the registry, or use `{built}:<tag>` with `imagePullPolicy: Never` for an image that is loaded into the nodes")),
                None => draft.help(format!("name the registry, or use `localhost/{image}` with `imagePullPolicy: Never` for an image that is loaded into the nodes")),
            };
        }
    }
}

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
A name without registry means `docker.io/library/<name>`, where only Docker's official images are. A
name of one's own (`datastorage:e2e-test`) is not there: the pod stays in ImagePullBackOff. Name the
registry, or `localhost/` for an image that is loaded into the nodes. For programs that are not
known it is reported where the manifests are whole (`--complete`, `--profile`, `render`): build
tools put a registry before the images that they build.",
        why: "",
        fix: "",
        source: "",
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
    "flyway",
    "hitch",
    "hipache",
    "aerospike",
    "sl",
    "clefos",
    "fsharp",
    "known",
    "mongodb",
];

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for (at, pod) in graph.pods.iter().enumerate() {
        for (number, container) in pod.containers.iter().enumerate() {
            let image = container.image();
            let name = image_name(image);
            // `org/name` is Docker Hub's common form. What is never pulled is `image-not-loaded`'s.
            let known = graph.known_as(at, number);
            // A known service that is built here is on nobody's Docker Hub account.
            let hub = name.contains('/') && known.is_none_or(|view| view.service.image.is_none());
            let own = !name.is_empty() && !hub && registry(image).is_none() && !OFFICIAL.contains(&name);
            if !own
                || container.node["imagePullPolicy"].text() == "Never"
                || fault(image).is_some()
                || image.contains('$')
            {
                continue;
            }
            // Build tools, as skaffold, put a registry before the images that they build.
            if known.is_none() && !bundle.options.whole && !bundle.options.own {
                continue;
            }
            let severity = if known.is_some() { bundle.absent() } else { Severity::Warning };
            let draft = report
                .at(
                    pod.object,
                    &container.node["image"],
                    format!("`{image}` names no registry, and docker.io has no official image `{name}`"),
                )
                .severity(severity);
            match known.and_then(|view| view.service.image.as_deref()) {
                Some(built) => draft.help(format!("one built and loaded locally is `{built}:<tag>` with imagePullPolicy Never; else name the registry")),
                None => draft.help(format!("name the registry, or `localhost/{image}` with imagePullPolicy Never for one that is loaded into the nodes")),
            };
        }
    }
}

//! Programs with options such as `-p` that take a secret and have another meaning elsewhere.

use crate::secret::names::is_secret_name;

/// Programs and their options that take a secret.
struct Program {
    names: &'static [&'static str],
    /// The subcommand without which the options have another meaning.
    needs: Option<&'static str>,
    /// Whether the first argument is another program, whose options follow.
    runs: bool,
    options: &'static [(&'static str, Takes)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// The secret is attached to the option.
    Attached,
    /// The secret is attached to the option, or is the next word.
    Secret,
    /// `user:password`, attached to the option, or as the next word.
    Login,
}

const PROGRAMS: &[Program] = &[
    Program {
        names: &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlshow",
            "mysqlcheck",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
            "mariadb-import",
            "mariadb-show",
            "mariadb-check",
        ],
        needs: None,
        runs: false,
        options: &[("-p", Takes::Attached)],
    },
    Program { names: &["redis-cli", "valkey-cli"], needs: None, runs: false, options: &[("-a", Takes::Secret)] },
    Program {
        names: &["curl"],
        needs: None,
        runs: false,
        options: &[
            ("-u", Takes::Login),
            ("-U", Takes::Login),
            ("--user", Takes::Login),
            ("--proxy-user", Takes::Login),
            ("--oauth2-bearer", Takes::Secret),
        ],
    },
    Program { names: &["sshpass"], needs: None, runs: true, options: &[("-p", Takes::Secret)] },
    Program {
        names: &["mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport"],
        needs: None,
        runs: false,
        options: &[("-p", Takes::Secret)],
    },
    Program {
        names: &["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldappasswd", "ldapwhoami", "ldapcompare"],
        needs: None,
        runs: false,
        options: &[("-w", Takes::Secret)],
    },
    Program { names: &["sqlcmd"], needs: None, runs: false, options: &[("-P", Takes::Secret)] },
    Program {
        names: &["docker", "podman", "nerdctl", "buildah", "skopeo", "helm", "oras", "crane", "az", "oc"],
        needs: Some("login"),
        runs: false,
        options: &[("-p", Takes::Secret)],
    },
];

/// Options of several programs that always take `user:password`.
const LOGINS: &[&str] = &["--creds", "--src-creds", "--dest-creds"];

/// Where a word of a command line puts a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretAt {
    Nowhere,
    /// In the same word, from the byte `at` on, if anything follows; `login`: the value is `user:password`.
    InWord {
        at: usize,
        login: bool,
    },
    /// In the next word.
    NextWord {
        login: bool,
    },
}

/// A command line as far as it was read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Command {
    /// The programs named in it, one bit each: one may run another.
    programs: u32,
    /// The subcommands named in it, one bit for each program that needs one.
    needed: u32,
    /// Whether it continues in the next line.
    open: bool,
    /// Where the last word put a secret that is not in the same line.
    pub(super) pending: Option<SecretAt>,
}

impl Command {
    /// Starts a line. The command continues if the last line says so, or if this is the next item of a list.
    pub(super) fn enter(&mut self, line: &str) {
        let begin = line.trim_start();
        let is_item = begin.starts_with(['-', '"', '\'']) && !begin.contains(": ");
        if !self.open && !is_item {
            *self = Self::default();
        }
        self.open = line.ends_with('\\');
    }

    /// Reads a word, without its quotes.
    pub(super) fn read(&mut self, word: &str) -> SecretAt {
        let secret_at = self.option(word);
        if secret_at == SecretAt::Nowhere {
            self.program(word);
        }
        self.end(word);
        secret_at
    }

    /// Ends the command if the word does.
    pub(super) fn end(&mut self, word: &str) {
        if word.ends_with([';', '|', '&']) {
            (self.programs, self.needed) = (0, 0);
        }
    }

    fn program(&mut self, word: &str) {
        if word.starts_with('-') || word.contains("://") {
            return;
        }
        // As in `$(/usr/bin/mysql …)`.
        let name = word.rsplit(['/', '(', '`', '=']).next().unwrap_or_default();
        for (at, program) in PROGRAMS.iter().enumerate() {
            if program.runs {
                self.programs &= !(1 << at);
            }
            self.programs |= u32::from(program.names.contains(&name)) << at;
            self.needed |= u32::from(program.needs.is_none_or(|needs| needs == name)) << at;
        }
    }

    fn option(&self, word: &str) -> SecretAt {
        if matches!(word, "requirepass" | "masterauth") {
            return SecretAt::NextWord { login: false };
        }
        if !word.starts_with('-') {
            return SecretAt::Nowhere;
        }
        if LOGINS.contains(&word) {
            return SecretAt::NextWord { login: true };
        }
        let active = self.programs & self.needed;
        let programs = PROGRAMS.iter().enumerate().filter(|(at, _)| active & 1 << at != 0);
        let mut options = programs.flat_map(|(_, program)| program.options);
        if let Some(secret_at) = options.find_map(|(option, takes)| at_option(word, option, *takes)) {
            return secret_at;
        }
        let is_secret = |name: &str| !name.contains(['=', ':']) && !name.starts_with("no-") && is_secret_name(name);
        // Long options with one dash, as in Go and Java; not a value attached to a letter, as in `-ppassword`.
        let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-').filter(|name| is_one_dash_option(name)));
        if name.is_some_and(is_secret) { SecretAt::NextWord { login: false } } else { SecretAt::Nowhere }
    }
}

/// Long options with one dash.
const ONE_DASH: &[&str] = &["pass", "token", "secret", "storepass", "keypass", "srcstorepass", "deststorepass"];

fn is_one_dash_option(name: &str) -> bool {
    ONE_DASH.iter().any(|lone| name.starts_with(lone))
}

/// Whether a long option with one dash may occur in a string.
pub(super) fn has_one_dash_option(text: &str) -> bool {
    text.match_indices('-').any(|(at, _)| is_one_dash_option(&text[at + 1..]))
}

/// Where a word puts a secret if it is this option.
fn at_option(word: &str, option: &str, takes: Takes) -> Option<SecretAt> {
    let login = takes == Takes::Login;
    let is_long = option.starts_with("--");
    // The last of several letters, as in `curl -sSu user:password`.
    let is_last = || {
        let letters = word.strip_suffix(&option[1..]).and_then(|rest| rest.strip_prefix('-'));
        login && !is_long && letters.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    match word.strip_prefix(option) {
        Some("") if takes != Takes::Attached => Some(SecretAt::NextWord { login }),
        Some(rest) if !is_long || rest.starts_with('=') => {
            Some(SecretAt::InWord { at: option.len() + usize::from(is_long), login })
        }
        Some(_) => None,
        None => is_last().then_some(SecretAt::NextWord { login }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::names::{has_program, has_sign};

    #[test]
    fn each_program_is_looked_for() {
        for program in PROGRAMS {
            for name in program.names {
                let text = format!("{name} {}", program.needs.unwrap_or_default());
                assert!(has_sign(&text) && has_program(&text), "{name}");
            }
        }
        assert!(LOGINS.iter().all(|option| has_sign(option)));
    }
}

//! Programs that take secrets in options which mean something else elsewhere, as `-p` does.

use crate::secret::names::is_secret_name;

/// Programs, and which of their options take a secret.
struct Program {
    names: &'static [&'static str],
    /// The word without which these options mean something else.
    needs: Option<&'static str>,
    /// Whether the first word that is no option is another program, whose options come next.
    runs: bool,
    options: &'static [(&'static str, Takes)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// The secret in the same word.
    Attached,
    /// The secret in the same word or the next.
    Secret,
    /// `user:password`, in the same word or the next.
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

/// Options of several programs that take `user:password` and nothing else.
const LOGINS: &[&str] = &["--creds", "--src-creds", "--dest-creds"];

/// What a word of a command line says of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Nothing,
    /// Behind so many bytes of this word there is one, if there is anything; of `user:password`, if it is a `login`.
    Here {
        at: usize,
        login: bool,
    },
    /// The next word is one.
    Next {
        login: bool,
    },
}

/// A command line as far as it was read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Command {
    /// The programs named in it, a bit each: one may run the other.
    programs: u32,
    /// The words that programs need, a bit each.
    needed: u32,
    /// Whether it goes on in the next line.
    open: bool,
    /// What was said of a word that is not on the same line.
    pub(super) awaited: Option<Says>,
}

impl Command {
    /// Goes on to a line: with the same command, if the last one said so or this is the next item of a list.
    pub(super) fn enter(&mut self, line: &str) {
        let begin = line.trim_start();
        let is_item = begin.starts_with(['-', '"', '\'']) && !begin.contains(": ");
        if !self.open && !is_item {
            *self = Self::default();
        }
        self.open = line.ends_with('\\');
    }

    /// Goes on to a word, without the quotes around it.
    pub(super) fn read(&mut self, word: &str) -> Says {
        let says = self.option(word);
        if says == Says::Nothing {
            self.program(word);
        }
        self.end(word);
        says
    }

    /// Ends the command if this word does.
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

    fn option(&self, word: &str) -> Says {
        if matches!(word, "requirepass" | "masterauth") {
            return Says::Next { login: false };
        }
        if !word.starts_with('-') {
            return Says::Nothing;
        }
        if LOGINS.contains(&word) {
            return Says::Next { login: true };
        }
        let active = self.programs & self.needed;
        let programs = PROGRAMS.iter().enumerate().filter(|(at, _)| active & 1 << at != 0);
        let mut options = programs.flat_map(|(_, program)| program.options);
        if let Some(says) = options.find_map(|(option, takes)| says(word, option, *takes)) {
            return says;
        }
        let is_secret = |name: &str| !name.contains(['=', ':']) && !name.starts_with("no-") && is_secret_name(name);
        // With one dash, as Go and Java have it; not what is attached to one letter, as in `-ppassword`.
        let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-').filter(|name| is_lone(name)));
        if name.is_some_and(is_secret) { Says::Next { login: false } } else { Says::Nothing }
    }
}

/// Options that have one dash before their whole name.
const LONE: &[&str] = &["pass", "token", "secret", "storepass", "keypass", "srcstorepass", "deststorepass"];

fn is_lone(name: &str) -> bool {
    LONE.iter().any(|lone| name.starts_with(lone))
}

/// Whether an option with one dash before its whole name may stand in a text.
pub(super) fn has_lone(text: &str) -> bool {
    text.match_indices('-').any(|(at, _)| is_lone(&text[at + 1..]))
}

/// What a word says if it is this option.
fn says(word: &str, option: &str, takes: Takes) -> Option<Says> {
    let login = takes == Takes::Login;
    let is_long = option.starts_with("--");
    // The last of several letters, as in `curl -sSu user:password`.
    let is_last = || {
        let letters = word.strip_suffix(&option[1..]).and_then(|rest| rest.strip_prefix('-'));
        login && !is_long && letters.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    match word.strip_prefix(option) {
        Some("") if takes != Takes::Attached => Some(Says::Next { login }),
        Some(rest) if !is_long || rest.starts_with('=') => {
            Some(Says::Here { at: option.len() + usize::from(is_long), login })
        }
        Some(_) => None,
        None => is_last().then_some(Says::Next { login }),
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

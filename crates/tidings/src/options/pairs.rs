//! Options that need each other, and options that exclude each other.
//!
//! One line says what is missing or too much, by the names that its reader has used: those of options or of environment
//! variables.

use clap::ArgMatches;
use clap::parser::ValueSource;
use tidings::limits::{self, Change};

/// An option, what it is of no use without, and how that is said.
struct Need {
    option: &'static str,
    /// One of these is enough.
    any_of: &'static [&'static str],
    why: &'static str,
}

/// Two options of which a server can have one, and how that is said.
struct Conflict {
    option: &'static str,
    other: &'static str,
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        option: "tls_cert",
        any_of: &["tls_key"],
        why: "needs the private key of the certificate: add --tls-key <FILE>",
    },
    Need {
        option: "tls_key",
        any_of: &["tls_cert"],
        why: "needs the certificate that the key belongs to: add --tls-cert <FILE>",
    },
    Need { option: "acme_contact", any_of: &["acme"], why: ORDERED },
    Need { option: "acme_directory", any_of: &["acme"], why: ORDERED },
    Need { option: "acme_root", any_of: &["acme"], why: ORDERED },
    Need { option: "redirect", any_of: &["tls_cert", "acme"], why: TLS },
    Need { option: "hsts", any_of: &["tls_cert", "acme"], why: TLS },
];

const ORDERED: &str = "is about a certificate that the server orders: add --acme <DOMAIN>";
const TLS: &str = "needs TLS: add --tls-cert <FILE> and --tls-key <FILE>, or --acme <DOMAIN>";

const CONFLICTS: &[Conflict] = &[
    Conflict { option: "acme", other: "tls_cert", why: "orders a certificate" },
    Conflict { option: "acme", other: "tls_key", why: "orders a certificate with a key of its own" },
    Conflict { option: "demo", other: "acme", why: "forgets everything, an ordered certificate too" },
    Conflict { option: "demo", other: "folder", why: "uses a temporary folder" },
];

/// What is wrong with the options of a server, if they do not go together.
pub(super) fn fault(serve: &ArgMatches) -> Option<String> {
    let conflict = CONFLICTS.iter().find_map(|Conflict { option, other, why }| {
        // A data folder from the environment is a default: a service or an image has one.
        let is_default = *other == "folder" && source(serve, other) == Some(ValueSource::EnvVariable);
        let (option, other) = (name(serve, option)?, name(serve, other).filter(|_| !is_default)?);
        Some(format!("{option} {why}, so it cannot be used with {other}"))
    });
    let need = || {
        NEEDS.iter().find_map(|Need { option, any_of, why }| {
            let option = name(serve, option)?;
            any_of.iter().all(|other| name(serve, other).is_none()).then(|| format!("{option} {why}"))
        })
    };
    let limits = || {
        let changes: Vec<Change> = serve.get_many("limit")?.copied().collect();
        let why = limits::fault(&changes)?;
        Some(format!("{}: {why}", name(serve, "limit")?))
    };
    conflict.or_else(need).or_else(limits)
}

/// How an option was given, unless it was not.
fn source(serve: &ArgMatches, id: &str) -> Option<ValueSource> {
    serve.value_source(id).filter(|source| *source != ValueSource::DefaultValue)
}

/// An option that was given, as it was.
fn name(serve: &ArgMatches, id: &str) -> Option<String> {
    // A switch can be off in the environment.
    if id == "demo" && !serve.get_flag(id) {
        return None;
    }
    let long = if id == "folder" { "data" } else { id };
    Some(match source(serve, id)? {
        ValueSource::EnvVariable => format!("TIDINGS_{}", long.to_uppercase()),
        _ => format!("--{}", long.replace('_', "-")),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::options::Options;

    /// What is said of a command line.
    fn said(args: &str) -> Option<String> {
        let args = ["tidings"].into_iter().chain(args.split_whitespace());
        let matches = Options::command().try_get_matches_from(args).expect("each option by itself is right");
        fault(matches.subcommand_matches("serve").unwrap_or(&matches))
    }

    const CERTIFICATE: &str = "--tls-cert chain.pem --tls-key key.pem";
    const ORDER: &str = "--acme chat.example";

    #[test]
    fn an_option_without_the_one_that_it_needs_is_refused_in_one_line_that_names_both() {
        for (args, option, needed) in [
            ("--tls-cert chain.pem", "--tls-cert", "--tls-key <FILE>"),
            ("--tls-key key.pem", "--tls-key", "--tls-cert <FILE>"),
            ("--acme-contact a@b.example", "--acme-contact", "--acme <DOMAIN>"),
            ("--acme-directory https://a.example", "--acme-directory", "--acme <DOMAIN>"),
            ("--acme-root root.pem", "--acme-root", "--acme <DOMAIN>"),
            ("--acme-root root.pem --tls-cert a --tls-key b", "--acme-root", "--acme <DOMAIN>"),
            (
                "--redirect 127.0.0.1:80",
                "--redirect",
                "--tls-cert <FILE> and --tls-key <FILE>, or --acme <DOMAIN>",
            ),
            ("--hsts 0", "--hsts", "or --acme <DOMAIN>"),
            ("serve --tls-cert chain.pem", "--tls-cert", "--tls-key <FILE>"),
        ] {
            let said = said(args).unwrap_or_else(|| panic!("accepted: {args}"));
            assert!(said.starts_with(&format!("{option} ")) && said.ends_with(needed), "{args}: {said}");
            assert!(!said.contains('\n'));
        }
    }

    #[test]
    fn options_that_exclude_each_other_are_refused_in_one_line_that_names_both() {
        for (args, option, other) in [
            (&*format!("{ORDER} {CERTIFICATE}"), "--acme", "--tls-cert"),
            (&*format!("{ORDER} --tls-key key.pem"), "--acme", "--tls-key"),
            (&*format!("{ORDER} --demo"), "--demo", "--acme"),
            ("--demo --data d", "--demo", "--data"),
            ("serve --data d --demo", "--demo", "--data"),
        ] {
            let said = said(args).unwrap_or_else(|| panic!("accepted: {args}"));
            assert!(
                said.starts_with(&format!("{option} ")) && said.ends_with(&format!(" {other}")),
                "{said}"
            );
        }
    }

    #[test]
    fn a_limit_that_is_given_twice_is_refused_by_its_name() {
        for args in ["--limit requests=7 --limit requests=8", "serve --limit requests=7,rooms=1,requests=7"] {
            assert_eq!(said(args).as_deref(), Some("--limit: the limit requests is given twice"), "{args}");
        }
        assert_eq!(said("--limit requests=7 --limit rooms=8"), None);
    }

    #[test]
    fn options_that_go_together_are_accepted() {
        for args in [
            "",
            "--demo",
            "--data d",
            CERTIFICATE,
            &*format!("{CERTIFICATE} --redirect 127.0.0.1:80 --hsts 30 --demo"),
            &*format!("{ORDER} --redirect 127.0.0.1:80 --hsts 30 --data d"),
            &*format!("{ORDER} --acme-contact a@b.example --acme-directory https://a.example --acme-root r"),
        ] {
            assert_eq!(said(args), None, "{args}");
        }
    }
}

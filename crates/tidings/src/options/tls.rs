//! The options about TLS. [`pairs`](super::pairs) says which of them go together.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// The longest time that browsers are told to use https for: two years.
const HSTS_DAYS_MAX: u32 = 730;

/// Where certificates are ordered unless another authority is named.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

#[derive(Debug, Args)]
pub(crate) struct TlsOptions {
    /// Speak TLS on all addresses of --listen, with the certificate in this PEM file: the server's own first, then the
    /// intermediate ones. It is read again when it changes
    #[arg(long, value_name = "FILE", env = "TIDINGS_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", env = "TIDINGS_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Speak TLS on all addresses of --listen, with a certificate for this name that is ordered from Let's Encrypt and
    /// renewed in time; you agree to the terms of the authority. The name has to lead to this server, at port 443, or at
    /// port 80 with --redirect. Repeat it, or use commas, for several names
    #[arg(
        long,
        value_name = "DOMAIN",
        env = "TIDINGS_ACME",
        value_delimiter = ',',
        value_parser = domain
    )]
    pub(crate) acme: Vec<String>,

    /// Where the authority may write to if something is wrong with a certificate
    #[arg(long, value_name = "EMAIL", env = "TIDINGS_ACME_CONTACT", value_parser = email)]
    pub(crate) acme_contact: Option<String>,

    /// Order certificates from the authority with this ACME directory
    #[arg(
        long,
        value_name = "URL",
        env = "TIDINGS_ACME_DIRECTORY",
        default_value = LETS_ENCRYPT,
        hide_default_value = true,
        value_parser = directory
    )]
    pub(crate) acme_directory: String,

    /// Trust this authority's server by the certificate in this PEM file, instead of those that the system trusts
    #[arg(long, value_name = "FILE", env = "TIDINGS_ACME_ROOT")]
    pub(crate) acme_root: Option<PathBuf>,

    /// Redirect http on this address to https, such as 0.0.0.0:80. Needs TLS
    #[arg(long, value_name = "ADDR:PORT", env = "TIDINGS_REDIRECT", value_parser = redirect)]
    pub(crate) redirect: Option<SocketAddr>,

    /// Tell browsers to use nothing but https for this host, all its ports included, for so many days. Needs TLS; 0 takes it
    /// back
    #[arg(
        long,
        value_name = "DAYS",
        env = "TIDINGS_HSTS",
        value_parser = days
    )]
    pub(crate) hsts: Option<u32>,
}

/// A name that an authority may give a certificate for by the challenges that we can answer.
fn domain(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "give a name such as chat.example.org, without scheme and port; a wildcard needs a challenge that \
        this server cannot answer, so get it otherwise and use --tls-cert";
    let name = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    let is_name = name.len() <= 253 && name.contains('.') && name.split('.').all(is_label);
    if is_name && !is_address { Ok(name) } else { Err(WRONG) }
}

/// An address for http.
fn redirect(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "give an address and a port, such as 0.0.0.0:80")
}

fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|days| *days <= HSTS_DAYS_MAX);
    days.ok_or_else(|| {
        format!("give a whole number of days, such as 365, and at most {HSTS_DAYS_MAX}; 0 takes it back")
    })
}

fn email(text: &str) -> Result<String, &'static str> {
    match text.split_once('@') {
        Some((user, host))
            if !user.is_empty() && !host.is_empty() && !text.contains([' ', ',', '?', ':']) =>
        {
            Ok(text.to_owned())
        }
        Some(_) | None => Err("give one address, such as admin@example.org"),
    }
}

fn directory(text: &str) -> Result<String, &'static str> {
    let is_https = text.starts_with("https://") && text.parse::<http::Uri>().is_ok();
    if is_https { Ok(text.to_owned()) } else { Err("give an address that begins with https://") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_name_that_an_authority_can_look_up() {
        assert_eq!(domain("Chat.Example.org").as_deref(), Ok("chat.example.org"));
        for bad in [
            "",
            "localhost",
            "*.example.org",
            "192.0.2.1",
            "https://a.example",
            "a.example:443",
            "a..b",
            "-a.example",
        ] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn browsers_are_told_a_number_of_days() {
        assert_eq!([days("0"), days("365"), days("730")], [Ok(0), Ok(365), Ok(730)]);
        for bad in ["", "1y", "-1", "731", "1.5"] {
            assert!(days(bad).is_err_and(|why| why.contains("such as 365")), "{bad}");
        }
        assert_eq!(redirect("0.0.0.0:80"), Ok(SocketAddr::from(([0, 0, 0, 0], 80))));
        assert!(redirect("80").is_err_and(|why| why.contains("such as 0.0.0.0:80")));
    }

    #[test]
    fn a_contact_is_one_address() {
        assert!(email("admin@example.org").is_ok());
        for bad in ["admin", "@example.org", "a@", "a@b, c@d", "mailto:a@b"] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }
}

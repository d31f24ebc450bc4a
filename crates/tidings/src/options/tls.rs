//! The options about TLS.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// The longest time that browsers are told to use https for: two years.
const HSTS_DAYS_MAX: u32 = 730;

#[derive(Debug, Args)]
pub(crate) struct TlsOptions {
    /// Speak TLS on all addresses of --listen, with the certificate in this PEM file: the server's own first, then the
    /// intermediate ones. It is read again when it changes
    #[arg(long, value_name = "FILE", env = "TIDINGS_TLS_CERT", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", env = "TIDINGS_TLS_KEY", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Redirect http on this address to https, such as 0.0.0.0:80. Needs TLS
    #[arg(long, value_name = "ADDR:PORT", env = "TIDINGS_REDIRECT", value_parser = super::listener, requires = "tls_cert")]
    pub(crate) redirect: Option<SocketAddr>,

    /// Tell browsers to use nothing but https for this host, all its ports included, for so many days. Needs TLS; 0 takes it
    /// back
    #[arg(
        long,
        value_name = "DAYS",
        env = "TIDINGS_HSTS",
        value_parser = clap::value_parser!(u32).range(0..=i64::from(HSTS_DAYS_MAX)),
        requires = "tls_cert"
    )]
    pub(crate) hsts: Option<u32>,
}

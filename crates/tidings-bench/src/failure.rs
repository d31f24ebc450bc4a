//! [`Failure`]: why a run has no result, or none that counts.

/// Why there is no result, or none that counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the server: {0}")]
    Server(String),
    #[error("{what} takes too long")]
    Late { what: &'static str },
    #[error("a connection broke: {0}")]
    Connection(std::io::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the client was too busy: the run is void")]
    Void,
    #[error("the server has broken the contract")]
    Contract,
    #[error("the metrics: {0}")]
    Monitor(std::io::Error),
    #[error("this workload speaks no TLS: give an http:// URL")]
    NoTls,
    #[error("only a server on this machine can be measured: name its process with --server-pid")]
    NoProcess,
    #[error(
        "only a server on this machine may be attacked: give a loopback address such as http://127.0.0.1:3000"
    )]
    Remote,
}

//! One order: asks for a certificate, answers the challenges, fetches it.

use std::sync::Arc;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error as AcmeError, Identifier, KeyAuthorization, NewOrder,
    Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use crate::tls::challenges::Challenges;

/// What an authority has given, as PEM texts.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Issued {
    pub(super) directory: Option<String>,
    pub(super) chain: String,
    pub(super) key: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    /// It could not see that we have the name.
    #[error("the authority refuses: {0}")]
    Refused(String),
    #[error("the authority answers: {0}")]
    Answer(#[from] instant_acme::Problem),
    #[error("the authority cannot be reached: {0}")]
    Unreachable(String),
    #[error("what the authority gave cannot be used: {0}")]
    Unusable(String),
    #[error("it cannot be kept in the data folder: {0}")]
    Kept(#[from] std::io::Error),
}

impl OrderError {
    /// What an operator can do.
    pub(super) fn remedy(&self, has_http: bool) -> &'static str {
        match self {
            Self::Refused(_) if has_http => {
                "the name has to lead to this server, at port 443, or at port 80 for --redirect, without a proxy in between"
            }
            Self::Refused(_) => {
                "the name has to lead to this server at port 443, without a proxy in between; with --redirect, port 80 is tried too"
            }
            Self::Answer(_) => "see what the authority says, and --acme, --acme-contact and --acme-directory",
            Self::Unreachable(_) => {
                "check the network, --acme-directory, and --acme-root if the authority is your own"
            }
            Self::Unusable(_) => "check --acme-directory",
            Self::Kept(_) => "see to the disk",
        }
    }
}

impl From<AcmeError> for OrderError {
    fn from(error: AcmeError) -> Self {
        match error {
            AcmeError::Api(problem) => Self::Answer(problem),
            other => Self::Unreachable(chain(&other)),
        }
    }
}

/// An error with what is behind it: the outer one alone often says nothing.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

/// Orders a certificate for all names, and proves each by a challenge of one kind.
pub(super) async fn order(
    account: &Account,
    names: &[String],
    kind: &ChallengeType,
    challenges: &Challenges,
) -> Result<Issued, OrderError> {
    let retries = RetryPolicy::default();
    let identifiers: Vec<Identifier> = names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut pending = order.authorizations();
    while let Some(authorization) = pending.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let Some(mut challenge) = authorization.challenge(kind.clone()) else {
            return Err(OrderError::Refused(format!("it offers no challenge of the kind {kind:?}")));
        };
        let (token, proof) = (challenge.token.clone(), challenge.key_authorization());
        if *kind == ChallengeType::Http01 {
            challenges.answer_http(&token, proof.as_str());
        } else {
            let name = challenge.identifier().to_string();
            challenges.answer_handshake(&name, self_signed(&name, &proof)?);
        }
        challenge.set_ready().await?;
    }
    let status = order.poll_ready(&retries).await;
    if !matches!(status, Ok(OrderStatus::Ready)) {
        return Err(match why(&mut order).await {
            Some(why) => OrderError::Refused(why),
            None => match status {
                Ok(_) => OrderError::Refused("it does not say why".into()),
                Err(error) => error.into(),
            },
        });
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&retries).await?;
    Ok(Issued { directory: None, chain, key })
}

/// What the authority says of the challenges that have failed.
async fn why(order: &mut Order) -> Option<String> {
    let mut authorizations = order.authorizations();
    let mut reasons = Vec::new();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        for problem in state.challenges.iter().filter_map(|challenge| challenge.error.as_ref()) {
            let detail = problem.detail.clone().unwrap_or_else(|| problem.to_string());
            reasons.push(format!("{}: {detail}", state.identifier()));
        }
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The certificate that answers a challenge in a handshake.
fn self_signed(name: &str, proof: &KeyAuthorization) -> Result<Arc<CertifiedKey>, OrderError> {
    let failed = |error: String| OrderError::Unusable(error);
    let mut params =
        CertificateParams::new(vec![name.to_owned()]).map_err(|error| failed(error.to_string()))?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(proof.digest().as_ref())];
    let key = KeyPair::generate().map_err(|error| failed(error.to_string()))?;
    let certificate = params.self_signed(&key).map_err(|error| failed(error.to_string()))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = ring::sign::any_supported_type(&key).map_err(|error| failed(error.to_string()))?;
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signer)))
}

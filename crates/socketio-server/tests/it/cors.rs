//! Which pages may connect: origins on polling and WebSocket alike, CORS headers, and proxies that are believed.

use socketio_server::{Namespace, OriginPolicy, RefusalKind, Server, TrustedProxies};

use crate::harness::{Answer, Polling, Running, Ws, get, post, request, start, start_plain};

const TARGET: &str = "/socket.io/?EIO=4&transport=polling";
const WS_TARGET: &str = "/socket.io/?EIO=4&transport=websocket";

/// A page that may not connect is told so, in the words of the engine, and why.
fn assert_forbidden(answer: &Answer, what: &str) {
    assert_forbidden_for(answer, "Config::origins", what);
}

/// The same, with a part of the advice.
fn assert_forbidden_for(answer: &Answer, advice: &str, what: &str) {
    let body: serde_json::Value = serde_json::from_str(answer.text()).expect("JSON");
    assert_eq!((answer.status, &body["code"]), (403, &4.into()), "{what}");
    let message = body["message"].as_str().expect("a message");
    assert!(message.starts_with("Forbidden: ") && message.contains(advice), "{what}: {message}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
}

fn start_with_origins(origins: OriginPolicy) -> Running {
    start(Server::builder().namespace(Namespace::new("/")).configure(|config| config.origins = origins))
}

fn listed() -> OriginPolicy {
    OriginPolicy::list(["https://good.example"]).expect("an origin")
}

async fn handshake(running: &Running, origin: &str) -> Answer {
    get(TARGET).header("Origin", origin).send(running.address).await
}

#[tokio::test]
async fn by_default_only_the_same_origin_connects() {
    let running = start_plain();
    let own = format!("http://{}", running.address);
    let port = running.address.port();
    // TLS may have ended at a proxy.
    for own in [own.clone(), format!("https://127.0.0.1:{port}")] {
        let same = handshake(&running, &own).await;
        assert_eq!((same.status, same.header("access-control-allow-origin")), (200, None));
        Ws::open_with(running.address, WS_TARGET, &[("Origin", &own)]).await;
    }
    let others = [
        "http://good.example".to_owned(),
        "null".to_owned(),
        "http://127.0.0.1".to_owned(),
        format!("http://127.0.0.1:{port}.evil.example"),
        format!("http://127.0.0.1:{port}1"),
        format!("http://localhost:{port}"),
        format!("{own}/"),
        format!("http://evil@127.0.0.1:{port}"),
        String::new(),
    ];
    let others_count = others.len() as u64;
    for other in others {
        let refused = handshake(&running, &other).await;
        assert_forbidden(&refused, &other);
        assert_eq!(refused.header("access-control-allow-origin"), None, "{other}");
        let refused = get(WS_TARGET).upgrade().header("Origin", &*other).send(running.address).await;
        assert_forbidden(&refused, &other);
        assert_eq!(refused.header("connection"), Some("close"), "{other}");
    }
    assert_eq!(running.io().refused(RefusalKind::Origin), 2 * others_count);
    let twice = get(TARGET).header("Origin", &*own).header("Origin", own).send(running.address).await;
    let reason = "Forbidden: the request has several Origin headers, or one that is not text";
    assert_eq!(twice.brief(), (403, &*format!(r#"{{"code":4,"message":"{reason}"}}"#)));
    assert_eq!(running.io().refused(RefusalKind::Origin), 2 * others_count + 1);
}

#[tokio::test]
async fn a_listed_origin_may_connect_and_read_what_it_gets() {
    let running = start_with_origins(listed());
    let answer = handshake(&running, "https://good.example").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://good.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("vary"), Some("Origin"));
    for other in [
        "https://good.example.evil.example",
        "https://evil.example",
        "http://good.example",
        "https://good.example:8443",
    ] {
        let refused = handshake(&running, other).await;
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None), "{other}");
    }
    // Error bodies too.
    let error = get("/socket.io/?EIO=3&transport=polling").header("Origin", "https://good.example");
    let error = error.send(running.address).await;
    assert_eq!(
        (error.status, error.header("access-control-allow-origin")),
        (400, Some("https://good.example"))
    );
    // No Origin: not a page.
    assert_eq!(get(TARGET).send(running.address).await.status, 200);
}

#[tokio::test]
async fn the_origin_is_checked_on_every_request_of_a_session() {
    let running = start_with_origins(listed());
    let polling = Polling::of(running.address, &handshake(&running, "https://good.example").await);
    let stolen = post(polling.target(), "40").header("Origin", "https://evil.example");
    assert_eq!(stolen.send(running.address).await.status, 403);
    let stolen =
        get(format!("{WS_TARGET}&sid={}", polling.sid)).upgrade().header("Origin", "https://evil.example");
    assert_forbidden(&stolen.send(running.address).await, "the WebSocket");
    assert!(polling.is_alive().await);
}

#[tokio::test]
async fn any_origin_may_connect_if_so_configured() {
    let running = start_with_origins(OriginPolicy::Any);
    for origin in ["https://good.example", "null"] {
        let answer = handshake(&running, origin).await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (200, Some("*")),
            "{origin}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_whom_it_may_concern() {
    let running = start_with_origins(listed());
    let preflight = |origin: &'static str| {
        request("OPTIONS", TARGET)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "x-token")
            .send(running.address)
    };
    let allowed = preflight("https://good.example").await;
    assert_eq!(allowed.brief(), (204, ""));
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://good.example"));
    assert_eq!(allowed.header("access-control-allow-methods"), Some("GET,HEAD,PUT,PATCH,POST,DELETE"));
    assert_eq!(allowed.header("access-control-allow-headers"), Some("x-token"));
    let foreign = preflight("https://evil.example").await;
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (204, None));
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is_and_anybody_else_does_not() {
    let proxied = |running: &Running| {
        get(TARGET)
            .header("Host", "internal:3000")
            .header("X-Forwarded-For", "203.0.113.7")
            .header("X-Forwarded-Proto", "https")
            .header("X-Forwarded-Host", "chat.example")
            .header("Origin", "https://chat.example")
            .send(running.address)
    };
    let build = |proxies: TrustedProxies| {
        let builder = Server::builder().namespace(Namespace::new("/")).admission(|handshake| async move {
            Err(format!("{:?} {}", handshake.address.map(|address| address.to_string()), handshake.secure))
        });
        start(builder.configure(|config| config.trusted_proxies = proxies))
    };
    let trusting = build("127.0.0.1".parse().expect("an address"));
    let seen = proxied(&trusting).await;
    assert_eq!(seen.status, 403);
    assert_eq!(seen.text(), r#"{"code":4,"message":"Some(\"203.0.113.7\") true"}"#);

    let wary = build(TrustedProxies::default());
    let advice = "X-Forwarded-Host was ignored, because 127.0.0.1 is not a trusted proxy. If it is your proxy, name 127.0.0.1 in \
        Config::trusted_proxies.";
    let what = "the page's origin is not ours without a proxy";
    assert_forbidden_for(&proxied(&wary).await, advice, what);
    let direct = get(TARGET).header("X-Forwarded-For", "203.0.113.7").send(wary.address).await;
    assert_eq!(direct.text(), r#"{"code":4,"message":"Some(\"127.0.0.1\") false"}"#);
}

/// What stands between the browser and us may change `Host`, and what the browser says of the page stays.
#[tokio::test]
async fn the_page_of_the_browsers_own_server_may_connect_behind_any_proxy() {
    let running = start_plain();
    let through_proxy = |host: &str, site: &str| {
        let request = get(TARGET).header("Host", host).header("Origin", "https://chat.example:4122");
        let request = if site.is_empty() { request } else { request.header("Sec-Fetch-Site", site) };
        request.send(running.address)
    };
    for (host, site, status) in [
        ("chat.example", "", 200),
        ("chat.example:4122", "", 200),
        ("chat.example:4120", "", 403),
        ("127.0.0.1:3000", "", 403),
        ("127.0.0.1:3000", "same-origin", 200),
        ("127.0.0.1:3000", "same-site", 403),
        ("127.0.0.1:3000", "cross-site", 403),
    ] {
        assert_eq!(through_proxy(host, site).await.status, status, "{host} {site}");
    }
}

#[tokio::test]
async fn another_site_opens_no_session_by_an_image() {
    let running = start_plain();
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)] {
        let before = running.io().connections();
        let answer = get(TARGET).header("Sec-Fetch-Site", site).send(running.address).await;
        let opened = running.io().connections() - before;
        assert_eq!((answer.status, opened), (status, usize::from(status == 200)), "{site}");
    }
}

#[tokio::test]
async fn an_absolute_target_names_the_host_as_the_field_does() {
    let running = start_plain();
    let target = format!("http://chat.example{TARGET}");
    for (host, origin, status) in [
        ("chat.example", "https://chat.example", 200),
        ("chat.example", "http://host.example", 403),
        ("host.example", "http://host.example", 400),
        ("host.example", "https://chat.example", 400),
    ] {
        let asked = get(target.as_str()).header("Host", host).header("Origin", origin);
        assert_eq!(asked.send(running.address).await.status, status, "{host} {origin}");
    }
}

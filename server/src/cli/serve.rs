//! `serve`: listens until a signal, then lets running requests end.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;

use super::data::{Data, private_folder};
use super::{CliError, Result, say};
use crate::assets::Assets;
use crate::config::{Listen, Serve};
use crate::keys::Keys;
use crate::lan::{Lan, Names};
use crate::news::Places;
use crate::overload::Gates;
use crate::recovery;
use crate::router::router;
use crate::state::{App, system_clock};
use crate::store::Store;
use crate::sync::segment;

/// What `--lan` keeps in the folder of the data.
const LAN: &str = "lan";
/// How long running requests may go on after a signal.
const DRAIN_MAX: Duration = Duration::from_secs(10);

pub(super) async fn run(serve: Serve) -> Result<()> {
    let data = Data::open(&serve.folder).await?;
    let store = data.store().await?;
    let listening = listen(&serve.listen)?;
    let mut options = serve.listen;
    let address = address(&options, &listening)?;
    let (lan, text) = lan(&mut options, &serve.folder.data, &listening)?;
    say(&format!("zoufang-server listens on {address}{text}"))?;
    serve_until_signal(store, &data.keys, options, lan, listening).await
}

/// Takes the port; from now on connections wait for us.
pub(super) fn listen(options: &Listen) -> Result<TcpListener> {
    let failed = |source| CliError::Io { what: format!("listen on {}", options.address()), source };
    let listener = TcpListener::bind(options.address()).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// What to type into a browser.
pub(super) fn address(options: &Listen, listener: &TcpListener) -> Result<String> {
    if let Some(url) = &options.public_url {
        return Ok(url.clone());
    }
    let address = listener
        .local_addr()
        .map_err(|source| CliError::Io { what: "ask for the port".to_owned(), source })?;
    let scheme = if options.lan || options.tls_cert.is_some() { "https" } else { "http" };
    Ok(format!("{scheme}://{address}"))
}

/// With `--lan`, makes the certificate ready and gives the words how phones come to trust it.
pub(super) fn lan(
    options: &mut Listen,
    data: &Path,
    listener: &TcpListener,
) -> Result<(Option<Lan>, String)> {
    if !options.lan {
        return Ok((None, String::new()));
    }
    private_folder(data)?;
    let names = Names::of_this_machine()?;
    let lan = Lan::ready(&data.join(LAN), &names, system_clock()())?;
    options.tls_cert = Some(lan.certificate.clone());
    options.tls_key = Some(lan.key.clone());
    let listening = listener
        .local_addr()
        .map_err(|source| CliError::Io { what: "ask for the port".to_owned(), source })?;
    let text = super::lan::instructions(&lan, &names, listening);
    Ok((Some(lan), text))
}

/// Serves until SIGTERM or SIGINT, drains, and closes the store.
pub(super) async fn serve_until_signal(
    store: Arc<dyn Store>,
    keys: &Keys,
    options: Listen,
    lan: Option<Lan>,
    listener: TcpListener,
) -> Result<()> {
    let mut app = App::new(Arc::clone(&store), Assets::new(options.dist.clone()));
    // Without HSTS in a local network: an address there may be another machine's tomorrow, which speaks plainly.
    app.tls = lan.is_none() && options.tls_cert.is_some()
        || options.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    app.authority = lan.map(|lan| lan.authority_der.into());
    app.sync_keys = keys.sync().into();
    app.wipe_keys = keys.wipe().into();
    app.code_key = keys.codes();
    app.enrol_by_code = options.enrol_by_code;
    app.behind_proxy = options.behind_proxy;
    app.gates = Arc::new(Gates::new(options.at_once));
    recovery::announce(store.as_ref(), options.recovery_key).await?;
    tracing::info!(store = store.engine().await?, tls = app.tls, "serving");
    segment::seal_soon(&app, store.units_with_log().await?);
    let places = app.places.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let handle = Handle::new();
    tokio::spawn(stop_on_signal(handle.clone(), places));
    let failed = |source| CliError::Io { what: "serve".to_owned(), source };
    match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => {
            // A second call finds the same provider there.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let config = RustlsConfig::from_pem_file(cert, key).await;
            let config = config
                .map_err(|source| CliError::Io { what: "read certificate and key".to_owned(), source })?;
            axum_server::from_tcp_rustls(listener, config)
                .map_err(failed)?
                .handle(handle)
                .serve(service)
                .await
                .map_err(failed)?;
        }
        _ => axum_server::from_tcp(listener)
            .map_err(failed)?
            .handle(handle)
            .serve(service)
            .await
            .map_err(failed)?,
    }
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn stop_on_signal(handle: Handle<SocketAddr>, places: Places) {
    signal().await;
    tracing::info!("stopping");
    // A stream of news has no end of its own to wait for.
    places.close();
    handle.graceful_shutdown(Some(DRAIN_MAX));
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn signal() {
    drop(tokio::signal::ctrl_c().await);
}

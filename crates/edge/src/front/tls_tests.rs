use super::*;
use rcgen::generate_simple_self_signed;
use std::fs;

/// A folder with a certificate for `a.test`, and a configuration that awaits one there.
fn kept(name: &str) -> (Config, PathBuf) {
    let folder = std::env::temp_dir().join(format!("sangraha-kept-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let acme = acme::Config::new(vec!["a.test".to_owned()], folder.clone());
    fs::write(acme.pair().chain, certificate("a.test")).unwrap();
    (Config { acme: Some(acme), ..Config::default() }, folder)
}

fn certificate(name: &str) -> String {
    let made = generate_simple_self_signed([name.to_owned()]).unwrap();
    made.signing_key.serialize_pem() + &made.cert.pem()
}

fn open(config: &Config, previous: Option<&Tls>) -> Result<Arc<Tls>, Error> {
    Tls::of(config, &Arc::default(), previous).map(Option::unwrap)
}

fn serves(tls: &Tls, name: &str) -> bool {
    tls.named.set.load().of(name).is_some()
}

#[test]
fn a_certificate_whose_file_is_lost_goes_on_being_served() {
    let (config, folder) = kept("lost");
    let file = folder.join("certificate.pem");
    let tls = open(&config, None).unwrap();
    // A folder in its place can be opened and not be read, by nobody.
    for lose in [|file: &Path| fs::remove_file(file), |file: &Path| fs::create_dir(file)] {
        lose(&file).unwrap();
        assert!(!tls.look().unwrap() && serves(&tls, "a.test"));
    }
    let next = open(&config, Some(&tls)).unwrap();
    assert!(serves(&next, "a.test"), "nor does a reload lose it");
    fs::remove_dir(&file).unwrap();
    fs::write(&file, certificate("b.test")).unwrap();
    assert!(next.look().unwrap() && serves(&next, "b.test") && !serves(&next, "a.test"));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_reload_keeps_what_is_served_in_the_place_of_a_damaged_file() {
    let (config, folder) = kept("damaged");
    let tls = open(&config, None).unwrap();
    fs::write(folder.join("certificate.pem"), "no certificate").unwrap();
    assert!(tls.look().is_err() && serves(&tls, "a.test"));
    assert!(!tls.look().unwrap(), "told once");
    let next = open(&config, Some(&tls)).unwrap();
    assert!(serves(&next, "a.test"));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn only_a_certificate_that_was_never_there_is_waited_for() {
    let (config, folder) = kept("first");
    let file = folder.join("certificate.pem");
    fs::remove_file(&file).unwrap();
    let tls = open(&config, None).unwrap();
    assert!(!serves(&tls, "a.test") && !tls.look().unwrap());
    fs::write(&file, certificate("a.test")).unwrap();
    assert!(tls.look().unwrap() && serves(&tls, "a.test"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let error = open(&config, None).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("certificate.pem"), "{error}");
    fs::remove_dir_all(&folder).unwrap();
}

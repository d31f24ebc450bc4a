//! Nothing of the simulation is in the program: no entry points for it, and above all no planted bugs.

use std::process::Command;

/// The crates and features of a normal build of the program.
fn features_of_the_program() -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "tidings", "--edges", "normal,features", "--locked", "--offline"])
        .args(["--prefix", "none", "--format", "{p} [{f}]"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

#[test]
fn the_program_has_no_planted_bugs_and_no_seams() {
    let features = features_of_the_program();
    assert!(features.contains("socketio-server ") && features.contains("chat "), "{features}");
    for line in features.lines() {
        // Only what follows the name of the crate, which may be `planted` itself.
        let features = line.split_once(' ').map_or("", |(_, features)| features);
        let features = features.split_once(") ").map_or(features, |(_, features)| features);
        for forbidden in ["planted", "simulation", "test-util"] {
            assert!(!features.contains(forbidden), "{line}");
        }
    }
}

//! Telephone emulators and simulators by the names they give the device.
//!
//! They count wherever they stand, in the model position too: there they are the model.

use super::needle::{Edge, Needle};
use assay_model::facts::UaKind;

const fn name(text: &'static str) -> Needle {
    Needle::new(text, Edge::Left, UaKind::Emulator, "emulator")
}

/// Device and build names that only emulators have.
pub(super) const NAMES: &[Needle] = &[
    name("generic_x86"),
    name("generic_arm64"),
    name("sdk_gphone"),
    name("sdk_google"),
    name("google_sdk"),
    name("android sdk built for"),
    name("sdk_phone"),
    name("sdk_tablet"),
    name("sdk_gtv"),
    name("sdk_gcar"),
    name("sdk_gwear"),
    name("sdk_x86"),
    name("full_x86"),
    name("aosp on ia emulator"),
    name("android emulator"),
    name("emulator64"),
    name("bluestacks"),
    name("genymotion"),
    name("nox player"),
    name("noxplayer"),
    name("ldplayer"),
    name("memu "),
    name("memuplay"),
    name("vbox86"),
    name("goldfish"),
    name("ranchu"),
    name("droid4x"),
    name("andyos"),
    name("ttvm_"),
    name("mumu"),
    name("tiantian_"),
    name("koplayer"),
    name("remixemu"),
    name("windroye"),
    name("phoenixos"),
    name("leapdroid"),
    name("windowsandroid"),
    name("simulator/"),
    name("xcode simulator"),
];

/// Simulators of makers' development kits. Browsers made between 2009 and 2013 name them and old
/// logs still hold them; today's kits do not say it, so they are marked, not judged.
pub(super) const DEVELOPER_KITS: &[&str] =
    &["iPhone Simulator", "iPad Simulator", "XDeviceEmulator"];

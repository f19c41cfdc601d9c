//! What a function in Rust may call; sdk/wasm.md says what each does. `fescue build`
//! compiles this crate with the function's.
//!
//! ```
//! #![no_std]
//! #[no_mangle]
//! pub extern "C" fn handle() -> i32 {
//!     let mut buffer = [0u8; 32];
//!     let event = fescue::event(&mut buffer);
//!     fescue::reply(event)
//! }
//! ```
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

mod host {
    #[link(wasm_import_module = "fescue")]
    extern "C" {
        pub fn event(to: *mut u8, size: usize) -> i32;
        pub fn topic(to: *mut u8, size: usize) -> i32;
        pub fn reply(from: *const u8, size: usize) -> i32;
        pub fn fail(message: *const u8, size: usize);
        pub fn publish(topic: *const u8, topic_size: usize, payload: *const u8, size: usize) -> i32;
        pub fn state_get(key: *const u8, key_size: usize, to: *mut u8, size: usize) -> i32;
        pub fn state_set(key: *const u8, key_size: usize, from: *const u8, size: usize) -> i32;
        pub fn log(level: i32, text: *const u8, size: usize);
        pub fn clock() -> i64;
        pub fn time() -> i64;
        pub fn gpio_mode(pin: u32, mode: i32) -> i32;
        pub fn gpio_write(pin: u32, level: i32) -> i32;
        pub fn gpio_read(pin: u32) -> i32;
        pub fn adc_read(pin: u32) -> i32;
        pub fn i2c(address: u32, out: *const u8, out_size: usize, to: *mut u8, size: usize) -> i32;
    }
}

fn part(buffer: &mut [u8], length: i32) -> &[u8] {
    let n = if (length as usize) < buffer.len() { length as usize } else { buffer.len() };
    unsafe { buffer.get_unchecked(..n) }
}

/// The event's payload, as much as the buffer holds.
pub fn event(buffer: &mut [u8]) -> &[u8] {
    let n = unsafe { host::event(buffer.as_mut_ptr(), buffer.len()) };
    part(buffer, n)
}

/// The event's topic, as much as the buffer holds.
pub fn topic(buffer: &mut [u8]) -> &[u8] {
    let n = unsafe { host::topic(buffer.as_mut_ptr(), buffer.len()) };
    part(buffer, n)
}

pub fn reply(payload: &[u8]) -> i32 {
    unsafe { host::reply(payload.as_ptr(), payload.len()) }
}

pub fn fail(message: &str) {
    unsafe { host::fail(message.as_ptr(), message.len()) }
}

pub fn publish(topic: &str, payload: &[u8]) -> i32 {
    unsafe { host::publish(topic.as_ptr(), topic.len(), payload.as_ptr(), payload.len()) }
}

/// The value's length, or a code.
pub fn state_get(key: &str, to: &mut [u8]) -> i32 {
    unsafe { host::state_get(key.as_ptr(), key.len(), to.as_mut_ptr(), to.len()) }
}

pub fn state_set(key: &str, value: &[u8]) -> i32 {
    unsafe { host::state_set(key.as_ptr(), key.len(), value.as_ptr(), value.len()) }
}

/// Levels are 0 debug, 1 info, 2 warning, 3 error.
pub fn log(level: i32, text: &str) {
    unsafe { host::log(level, text.as_ptr(), text.len()) }
}

pub fn clock() -> i64 {
    unsafe { host::clock() }
}

pub fn time() -> i64 {
    unsafe { host::time() }
}

/// Modes are 0 input, 1 output, 2 input with pull-up.
pub fn gpio_mode(pin: u32, mode: i32) -> i32 {
    unsafe { host::gpio_mode(pin, mode) }
}

pub fn gpio_write(pin: u32, level: i32) -> i32 {
    unsafe { host::gpio_write(pin, level) }
}

pub fn gpio_read(pin: u32) -> i32 {
    unsafe { host::gpio_read(pin) }
}

pub fn adc_read(pin: u32) -> i32 {
    unsafe { host::adc_read(pin) }
}

pub fn i2c(address: u32, out: &[u8], to: &mut [u8]) -> i32 {
    unsafe { host::i2c(address, out.as_ptr(), out.len(), to.as_mut_ptr(), to.len()) }
}

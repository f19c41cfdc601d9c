// What a function in AssemblyScript may call; sdk/wasm.md says what each does. `fescue
// build` makes it known to the compiler.
//
//     const buffer = memory.data(32);
//     export function handle(): i32 {
//       return fescue.reply(buffer, min(fescue.event(buffer, 32), 32));
//     }
@global namespace fescue {
  @external("fescue", "event") export declare function event(to: usize, size: usize): i32;
  @external("fescue", "topic") export declare function topic(to: usize, size: usize): i32;
  @external("fescue", "reply") export declare function reply(from: usize, size: usize): i32;
  @external("fescue", "fail") export declare function fail(message: usize, size: usize): void;
  @external("fescue", "publish") export declare function publish(topic: usize, topicSize: usize, payload: usize, size: usize): i32;
  @external("fescue", "state_get") export declare function stateGet(key: usize, keySize: usize, to: usize, size: usize): i32;
  @external("fescue", "state_set") export declare function stateSet(key: usize, keySize: usize, from: usize, size: usize): i32;
  @external("fescue", "log") export declare function log(level: i32, text: usize, size: usize): void;
  @external("fescue", "clock") export declare function clock(): i64;
  @external("fescue", "time") export declare function time(): i64;
  @external("fescue", "gpio_mode") export declare function gpioMode(pin: u32, mode: i32): i32;
  @external("fescue", "gpio_write") export declare function gpioWrite(pin: u32, level: i32): i32;
  @external("fescue", "gpio_read") export declare function gpioRead(pin: u32): i32;
  @external("fescue", "adc_read") export declare function adcRead(pin: u32): i32;
  @external("fescue", "i2c") export declare function i2c(address: u32, out: usize, outSize: usize, to: usize, size: usize): i32;
}

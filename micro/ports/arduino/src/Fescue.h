// Fescue for Arduino: the board runs functions that a gateway sends it.
//
//     #include <Fescue.h>
//
//     void setup()
//     {
//         Serial.begin(115200);
//         Fescue.begin(Serial, "board-1");
//     }
//
//     void loop() { Fescue.poll(); }
//
// On AVR functions lie in the EEPROM and outlive a restart; on other processors in
// memory, and the gateway sends them again.
#ifndef FESCUE_ARDUINO_H
#define FESCUE_ARDUINO_H

#include <Arduino.h>

extern "C" {
#include "fescue_agent.h"
}

#if defined(__AVR_ATmega2560__)
#define FESCUE_PLATFORM "micro/mega"
#else
#define FESCUE_PLATFORM "micro/arduino"
#endif

class FescueAgent {
public:
	// The line must be open. key: the 32 bytes of `fescue micro provision`, or NULL.
	// platform: what configurations name, "micro/mega".
	void begin(Stream &line, const char *id, const uint8_t *key = NULL, const char *platform = FESCUE_PLATFORM);

	// Takes what has come and sends what is due; call it as often as you can, and at
	// least ten times a second.
	void poll();

	// A line in the device's log.
	void log(const char *text);

	// Before begin(): another clock than millis().
	void clock(uint32_t (*milliseconds)()) { now = milliseconds; }

#if FESCUE_SIGNATURES
	// Before begin(): only modules are taken that were signed with the private key of
	// this one, FESCUE_SIGN_KEY of `fescue micro provision --sign-key`.
	void signedBy(const uint8_t publicKey[32]) { signKey = publicKey; }
#endif

	// Before begin(): what i2c of functions goes to; FescueWire.h has one for Wire.
	typedef int32_t (*I2C)(void *context, uint8_t address, const uint8_t *out, uint16_t outSize, uint8_t *in, uint16_t inSize);
	void i2c(I2C transfer) { bus = transfer; }

private:
	static void write(void *self, const uint8_t *p, uint16_t n, uint8_t flush);
	static uint32_t milliseconds(void *self);
	static void nonce(void *self, uint8_t out[8]);
	static void pump(void *self);

	Stream *line;
	uint32_t (*now)() = NULL;
	I2C bus = NULL;
	const uint8_t *signKey = NULL;
	uint32_t nonces;
	fescue_agent agent;
	fescue_port port;
};

extern FescueAgent Fescue;

#endif

// A board with a key and devices on its I2C bus, and a sketch with work of its own: it
// says when a button is pressed. device_key.h is what `fescue micro provision shed
// --header` prints.
#include <Fescue.h>
#include <FescueWire.h>

#if __has_include("device_key.h")
#include "device_key.h"
static const uint8_t key[32] = FESCUE_KEY;
#else
#define FESCUE_DEVICE "shed"
static const uint8_t *const key = NULL;
#endif

const uint8_t button = 2;
static bool pressed;

void setup()
{
	pinMode(button, INPUT_PULLUP);
	Wire.begin();
	Serial.begin(115200);
	Fescue.i2c(fescueWire);
#ifdef FESCUE_SIGN_KEY
	static const uint8_t signKey[32] = FESCUE_SIGN_KEY;
	Fescue.signedBy(signKey);
#endif
	Fescue.begin(Serial, FESCUE_DEVICE, key);
}

void loop()
{
	Fescue.poll();
	bool now = digitalRead(button) == LOW;
	if (now && !pressed)
		Fescue.log("the button is pressed");
	pressed = now;
}

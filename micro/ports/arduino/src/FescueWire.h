// I2C of functions on Wire: Fescue.i2c(fescueWire) before Fescue.begin(). The sketch
// calls Wire.begin().
#ifndef FESCUE_WIRE_H
#define FESCUE_WIRE_H

#include <Fescue.h>
#include <Wire.h>

static int32_t fescueWire(void *, uint8_t address, const uint8_t *out, uint16_t outSize, uint8_t *in, uint16_t inSize)
{
	if (outSize > 0) {
		Wire.beginTransmission(address);
		if (Wire.write(out, outSize) != outSize)
			return -FESCUE_TOO_LARGE;
		if (Wire.endTransmission(inSize == 0) != 0)
			return -FESCUE_NOT_FOUND;
	}
	if (inSize > 0xff)
		return -FESCUE_TOO_LARGE;
	uint16_t n = inSize > 0 ? Wire.requestFrom(address, (uint8_t)inSize) : 0;
	for (uint16_t i = 0; i < n; i++)
		in[i] = Wire.read();
	return n;
}

#endif

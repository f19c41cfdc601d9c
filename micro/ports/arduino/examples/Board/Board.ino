// The least: a board that runs functions. Its functions use pins that their
// configuration grants, and so blink or measure without another sketch.
#include <Fescue.h>

void setup()
{
	Serial.begin(115200);
	Fescue.begin(Serial, "board-1");
}

void loop() { Fescue.poll(); }

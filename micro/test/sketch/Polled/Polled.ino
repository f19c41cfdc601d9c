// For the emulator, which has no timer of 8 bits, and loses a receive interrupt now and
// then: a line that is polled, and a clock of timer 1.
#include <Fescue.h>

class PolledLine : public Stream {
public:
	int available() { return UCSR0A & _BV(RXC0) ? 1 : 0; }
	int read() { return available() ? UDR0 : -1; }
	int peek() { return -1; }
	size_t write(uint8_t b)
	{
		while (!(UCSR0A & _BV(UDRE0)))
			;
		UDR0 = b;
		return 1;
	}
	using Print::write;
};

static PolledLine line;
static volatile uint32_t ticks;

ISR(TIMER1_COMPA_vect) { ticks++; }

static uint32_t milliseconds()
{
	noInterrupts();
	uint32_t now = ticks;
	interrupts();
	return now;
}

void setup()
{
	UCSR0A = _BV(U2X0);
	UBRR0 = F_CPU / 8 / 115200 - 1;
	UCSR0B = _BV(RXEN0) | _BV(TXEN0);
	TCCR1A = 0;
	TCCR1B = _BV(WGM12) | _BV(CS11) | _BV(CS10); // a 64th of the clock
	OCR1A = F_CPU / 64 / 1000 - 1;
	TIMSK1 = _BV(OCIE1A);
	Fescue.clock(milliseconds);
	Fescue.begin(line, "board-1");
}

void loop() { Fescue.poll(); }

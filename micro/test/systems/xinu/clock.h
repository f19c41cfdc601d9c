extern volatile unsigned long clkticks, clktime;
#define CLKTICKS_PER_SEC 1000

#pragma once
void l4_sleep(int milliseconds);

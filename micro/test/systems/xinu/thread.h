typedef int thread;
int sleep(unsigned int milliseconds);

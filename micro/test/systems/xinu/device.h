/* What micro/ports/xinu uses of Embedded Xinu's public interface, declared for compiling
 * it without; written from the documentation. */
typedef int devcall;
devcall read(int descriptor, void *buffer, unsigned int count);
devcall write(int descriptor, const void *buffer, unsigned int count);
devcall control(int descriptor, int function, long first, long second);

package dev.fescue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The body of a frame that arrived, read field by field. It is good only until the next frame is taken. */
final class Body {
    private ByteBuffer buffer;
    private int end;

    /** Sets it on the bytes from the buffer's position on, so many; the buffer is little-endian. */
    void set(ByteBuffer from, int length) {
        buffer = from;
        end = from.position() + length;
    }

    private void need(int size) {
        if (end - buffer.position() < size) {
            throw new FescueException.Malformed("a field is cut off");
        }
    }

    int u8() {
        need(1);
        return buffer.get() & 0xff;
    }

    int u16() {
        need(2);
        return buffer.getShort() & 0xffff;
    }

    long u32() {
        need(4);
        return buffer.getInt() & 0xffffffffL;
    }

    long u64() {
        need(8);
        return buffer.getLong();
    }

    void skip(int bytes) {
        need(bytes);
        buffer.position(buffer.position() + bytes);
    }

    String str16() {
        return new String(bytes(u16()), StandardCharsets.UTF_8);
    }

    byte[] bytes(int length) {
        need(length);
        byte[] part = new byte[length];
        buffer.get(part);
        return part;
    }

    /** What is left, the payload. */
    byte[] rest() {
        return bytes(end - buffer.position());
    }

    /** Refuses bytes that the type does not define. */
    void nothingMore() {
        if (buffer.position() != end) {
            throw new FescueException.Malformed("a frame has bytes that its type does not define");
        }
    }
}

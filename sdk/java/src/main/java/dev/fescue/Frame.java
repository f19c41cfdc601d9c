package dev.fescue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A frame being made: a header of 8 bytes and a body. Numbers are little-endian. */
final class Frame {
    private byte[] bytes = new byte[64];
    private int length = 8;

    private Frame(int type, long id) {
        bytes[3] = (byte) type;
        little(4, id, 4);
    }

    static Frame of(int type, long id) {
        return new Frame(type, id);
    }

    /** A frame whose body is this. */
    static byte[] of(int type, long id, byte[] body) {
        return new Frame(type, id).bytes(body).done();
    }

    Frame u8(int value) {
        return number(value, 1);
    }

    Frame u16(int value) {
        return number(value, 2);
    }

    Frame u32(long value) {
        return number(value, 4);
    }

    Frame u64(long value) {
        return number(value, 8);
    }

    Frame str16(String text) {
        return str16(text.getBytes(StandardCharsets.UTF_8), 0xffff);
    }

    /** A text, cut to so many bytes if it is longer. */
    Frame str16(byte[] text, int most) {
        byte[] part = first(text, most);
        return u16(part.length).bytes(part);
    }

    Frame bytes(byte[] part) {
        room(part.length);
        System.arraycopy(part, 0, bytes, length, part.length);
        length += part.length;
        return this;
    }

    Frame text(String text) {
        return bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The whole frame. */
    byte[] done() {
        little(0, length - 8, 3);
        return Arrays.copyOf(bytes, length);
    }

    private Frame number(long value, int size) {
        room(size);
        little(length, value, size);
        length += size;
        return this;
    }

    private void little(int at, long value, int size) {
        for (int i = 0; i < size; i++) {
            bytes[at + i] = (byte) (value >>> (8 * i));
        }
    }

    private void room(int more) {
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
        }
    }

    /** The first bytes of a text, as many as are whole characters. */
    static byte[] first(byte[] text, int most) {
        if (text.length <= most) {
            return text;
        }
        int end = most;
        while ((text[end] & 0xc0) == 0x80) {
            end--;
        }
        return Arrays.copyOf(text, end);
    }
}

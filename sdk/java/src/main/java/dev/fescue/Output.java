package dev.fescue;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;

/** An answer that is written while it is made, see {@link Context#output}: what was written goes out by flush, or when there is much. */
final class Output extends OutputStream {
    private final Serving serving;
    private final Context context;
    private final byte[] buffer = new byte[Frames.MAX_PART];
    private int size;
    private byte[] head; // to be sent yet
    private long credit = Frames.WINDOW;

    Output(Serving serving, Context context, int status, Map<String, String> headers) {
        this.serving = serving;
        this.context = context;
        if (status != 0) {
            StringBuilder json = new StringBuilder();
            Json.write(json, Map.of("statusCode", status, "headers", Map.copyOf(headers)));
            head = Frames.utf8(json.toString());
        }
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] data, int from, int length) throws IOException {
        while (length > 0) {
            int n = Math.min(length, buffer.length - size);
            System.arraycopy(data, from, buffer, size, n);
            size += n;
            from += n;
            length -= n;
            if (size == buffer.length) {
                flush();
            }
        }
    }

    @Override
    public void flush() throws IOException {
        if (size == 0) {
            return;
        }
        if (!serving.maySend(this, size)) {
            throw new IOException("nobody waits for the answer any longer");
        }
        sendHead();
        serving.send(Frames.part(context.invocation, false, buffer, 0, size));
        size = 0;
    }

    @Override
    public void close() throws IOException {
        flush();
    }

    /** All that was written is sent, the head too. */
    void finish() throws IOException {
        flush();
        sendHead();
    }

    private void sendHead() {
        if (head != null) {
            serving.send(Frames.part(context.invocation, true, head, 0, head.length));
            head = null;
        }
    }

    /** Takes credit, if there is enough. */
    synchronized boolean spend(int bytes) {
        if (credit < bytes) {
            return false;
        }
        credit -= bytes;
        return true;
    }

    synchronized void more(long bytes) {
        credit += bytes;
        notifyAll();
    }

    /** For another thread than the one that reads: waits until there may be more. */
    synchronized void awaitMore(int bytes) throws IOException {
        try {
            while (credit < bytes && !context.isCancelled()) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    synchronized void wake() {
        notifyAll();
    }

    boolean isCancelled() {
        return context.isCancelled();
    }
}

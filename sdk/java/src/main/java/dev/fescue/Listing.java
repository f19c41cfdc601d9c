package dev.fescue;

/** A watch that ends when the present keys have been told. */
final class Listing extends Feed<Incoming.Changed> {
    Listing(String filter, Asking asking) {
        super(Type.WATCH, filter, Integer.MAX_VALUE, false, asking);
    }
}

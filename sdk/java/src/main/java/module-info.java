/** Publish, subscribe, request and handle events on a Fescue device. */
module dev.fescue {
    exports dev.fescue;
}

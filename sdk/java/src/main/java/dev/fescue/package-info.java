/**
 * Publish, subscribe, request and handle events on a Fescue device.
 *
 * <p>A program connects with {@link dev.fescue.Client#connect()}. A function implements {@link dev.fescue.RequestHandler};
 * the agent runs it with {@link dev.fescue.Worker}.
 */
package dev.fescue;

/**
 * Finds a function's handler: `index.handler` is the export `handler` of the file `index`.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {(event: any, context: import('./context.js').Context, callback?: Callback) => unknown} Handler */
/** @typedef {(error: unknown, result?: unknown) => void} Callback */

const EXTENSIONS = ['.js', '.mjs', '.cjs', ''];

/** FESCUE_HANDLER does not name a function. */
export class HandlerNotFound extends Error {
  name = 'HandlerNotFound';
}

/**
 * The function that `file.export` names, in a directory. Folders are parted by `/`, or by `.` as in
 * other languages; ES modules and CommonJS are told apart by Node's own rules.
 *
 * @param {string} name
 * @param {string} directory
 * @returns {Promise<Handler>}
 */
export async function load(name, directory) {
  const dot = name.lastIndexOf('.');
  const [module, key] = [name.slice(0, dot), name.slice(dot + 1)];
  if (dot < 1 || !key) throw new HandlerNotFound(`handler ${JSON.stringify(name)} is not of the form file.export`);
  const exported = exportsOf(await import(pathToFileURL(locate(module, directory)).href));
  const handler = exported[key];
  if (typeof handler === 'function') return /** @type {Handler} */ (handler);
  if (handler !== undefined) throw new HandlerNotFound(`${name} is a ${typeof handler}, not a function`);
  const there = Object.keys(exported).filter((k) => typeof exported[k] === 'function');
  throw new HandlerNotFound(`${module} exports no function ${JSON.stringify(key)}; it has: ${there.join(', ') || 'none'}`);
}

/**
 * @param {string} module
 * @param {string} directory
 */
function locate(module, directory) {
  const names = [module, module.replaceAll('.', '/')].flatMap((m) => EXTENSIONS.map((e) => m + e));
  const path = names.map((n) => resolve(directory, n)).find((p) => isFile(p));
  if (path === undefined) throw new HandlerNotFound(`there is no file ${module}.js, ${module}.mjs or ${module}.cjs in the artifact`);
  return path;
}

/** @param {string} path */
function isFile(path) {
  return existsSync(path) && !existsSync(`${path}/.`);
}

/**
 * What a module exports; of CommonJS also what Node's static look at its exports did not find.
 *
 * @param {Record<string, unknown>} namespace
 * @returns {Record<string, unknown>}
 */
function exportsOf(namespace) {
  const common = namespace.default;
  return common !== null && typeof common === 'object' ? { .../** @type {object} */ (common), ...namespace } : namespace;
}

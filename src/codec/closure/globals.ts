/**
 * The names every Node.js realm has, so that a worker has them too. A list, as a live realm also holds what users
 * and test runners put there. Names that older versions lack simply are not found.
 */
const names = `
globalThis global Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date
DisposableStack Error AggregateError EvalError RangeError ReferenceError SuppressedError SyntaxError TypeError URIError
FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array
Intl Iterator JSON Map Math NaN Number Object Promise Proxy Reflect RegExp Set SharedArrayBuffer String
Symbol Temporal Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly
decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval isFinite isNaN parseFloat parseInt undefined unescape
AbortController AbortSignal Blob BroadcastChannel Buffer ByteLengthQueuingStrategy CloseEvent CompressionStream
CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream ErrorEvent Event EventSource EventTarget
File FormData Headers MessageChannel MessageEvent MessagePort Navigator Performance PerformanceEntry
PerformanceMark PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming
QuotaExceededError ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest
ReadableStreamDefaultController ReadableStreamDefaultReader Request Response Storage SubtleCrypto TextDecoder
TextDecoderStream TextEncoder TextEncoderStream TransformStream TransformStreamDefaultController URL URLPattern
URLSearchParams WebSocket WritableStream WritableStreamDefaultController WritableStreamDefaultWriter
atob btoa clearImmediate clearInterval clearTimeout console crypto fetch localStorage navigator performance
process queueMicrotask sessionStorage setImmediate setInterval setTimeout structuredClone
`;

const defaults: ReadonlySet<string> = new Set(names.trim().split(/\s+/));

/** True for a global that every Node.js realm provides; such a name stays free in a function that travels. */
export function isDefaultGlobal(name: string): boolean {
  return defaults.has(name);
}

export function defaultGlobalNames(): Iterable<string> {
  return defaults;
}

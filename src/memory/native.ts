/**
 * Memory that several processes share, by system calls of Linux through koffi, which is loaded here and only when a pool of
 * processes starts. The memory has no name (`memfd_create`): it is handed on as an open file, and is gone with the last
 * process that holds it, however that ends.
 */
import { closeSync, ftruncateSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorMap } from 'node:util';
import { EngineError } from '../errors.js';
import { useLargePages } from '../util/large-pages.js';
import { type Futex, useFutex } from './atomics.js';

type Koffi = typeof import('koffi');

/** Numbers of the system call by `process.arch`. */
const FUTEX: Readonly<Record<string, number>> = { x64: 202, arm64: 98, riscv64: 98, loong64: 98 };
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MFD_CLOEXEC = 1;
const PR_SET_PDEATHSIG = 1;
const MADV_HUGEPAGE = 14;
const SIGKILL = 9;
/** A multiple of the system's page size. */
const PAGE = 1 << 16;

export interface Native {
  /** Where koffi was found: a child loads it from there. */
  readonly koffi: string;
  /** An open file of so many bytes of memory; the caller closes it. */
  create(bytes: number): number;
  /** Bytes of such a file, which stay mapped as long as anything refers to them. */
  map(file: number, at: number, bytes: number): ArrayBuffer;
  /** The system kills this process once its parent has ended, whatever either of them is doing. */
  dieWithParent(): void;
}

let loaded: Native | undefined;

/** @throws EngineError: processes cannot share memory here; it says what is missing */
export function native(koffi?: string): Native {
  loaded ??= load(koffi);
  return loaded;
}

function refuse(why: string, cause?: unknown): never {
  throw new EngineError(`processes share no memory without ${why}`, cause === undefined ? {} : { cause });
}

function load(place: string | undefined): Native {
  const futex = FUTEX[process.arch];
  if (process.platform !== 'linux' || futex === undefined) {
    refuse(`shared memory as Linux has it on ${Object.keys(FUTEX).join(', ')}: this is ${where()}`);
  }
  let path = place;
  let koffi: Koffi;
  try {
    path ??= find();
  } catch (cause) {
    return refuse('the package koffi, which is not installed (npm install koffi)', cause);
  }
  try {
    koffi = createRequire(path)(path) as Koffi;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ERR_DLOPEN_DISABLED' ? 'native addons are not allowed (--allow-addons)' : message;
    return refuse(`the package koffi, which cannot be loaded: ${why}`, cause);
  }
  try {
    return bind(koffi, path, futex);
  } catch (cause) {
    return refuse(`the C library's memfd_create and mmap, which ${where()} does not give`, cause);
  }
}

/** Beside this package; for a bundle, which has no place that it knows of, beside the program or where it was started. */
function find(): string {
  const own = import.meta.url as string | undefined;
  const places = own === undefined ? [process.argv[1], `${process.cwd()}/`] : [own];
  let failure: unknown;
  for (const place of places) {
    if (place === undefined) continue;
    try {
      return createRequire(place).resolve('koffi');
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

const where = (): string => `${process.platform} on ${process.arch}`;

function bind(koffi: Koffi, path: string, futex: number): Native {
  const lib = koffi.load(null);
  const memfd = lib.func('int memfd_create(const char *name, unsigned int flags)');
  const mmap = lib.func('uintptr_t mmap(uintptr_t at, size_t n, int prot, int flags, int fd, int64_t from)');
  const munmap = lib.func('int munmap(uintptr_t at, size_t n)');
  const prctl = lib.func('int prctl(int what, uint64_t a, uint64_t b, uint64_t c, uint64_t d)');
  const syscall = lib.func(
    'int64_t syscall(int64_t number, uintptr_t word, int64_t operation, int64_t value, void *timeout)',
  );
  const madvise = lib.func('int madvise(uintptr_t at, size_t n, int how)');
  useLargePages((bytes) => {
    const at = Number(koffi.address(bytes));
    const from = Math.ceil(at / PAGE) * PAGE;
    // Refused by a system without large pages: then they are small ones.
    madvise(from, Math.max(0, at + bytes.byteLength - from), MADV_HUGEPAGE);
  });
  // What nothing refers to any more nobody can read.
  const unmap = new FinalizationRegistry<readonly [number, number]>(([at, bytes]) => {
    munmap(at, bytes);
  });
  const time = new BigInt64Array(2);
  const futexAt = (base: number): Futex => ({
    wait: (at, expected, ms) => {
      const whole = Math.floor(ms / 1000);
      time[0] = BigInt(whole);
      time[1] = BigInt(Math.ceil((ms - whole * 1000) * 1e6));
      syscall(futex, base + at, FUTEX_WAIT, expected, time);
    },
    wake: (at) => {
      syscall(futex, base + at, FUTEX_WAKE, 2 ** 31 - 1, null);
    },
  });
  const failed = (what: string): never => {
    const [name, words] = getSystemErrorMap().get(-koffi.errno()) ?? [`errno ${koffi.errno()}`, 'unknown'];
    throw new Error(`no memory to share with a worker process: ${what} failed (${name}, ${words})`);
  };
  return {
    koffi: path,
    create: (bytes) => {
      const file = memfd('simul', MFD_CLOEXEC) as number;
      if (file < 0) failed('memfd_create');
      try {
        ftruncateSync(file, bytes);
      } catch (error) {
        closeSync(file);
        throw error;
      }
      return file;
    },
    map: (file, at, bytes) => {
      const address = Number(mmap(0, bytes, PROT_READ_WRITE, MAP_SHARED, file, at));
      if (address <= 0 || address >= 2 ** 53) failed('mmap');
      const buffer = koffi.view(BigInt(address), bytes);
      unmap.register(buffer, [address, bytes]);
      useFutex(buffer, futexAt(address));
      return buffer;
    },
    dieWithParent: () => {
      if ((prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) as number) !== 0) failed('prctl');
    },
  };
}

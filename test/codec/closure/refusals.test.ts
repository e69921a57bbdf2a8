// biome-ignore-all lint: the odd ways to write functions are what these tests are about
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFunction } from '#simul/codec/closure/index.js';

function refused(fn: Function, ...patterns: RegExp[]): void {
  assert.throws(
    () => readFunction(fn),
    (error: Error & { code?: string }) => {
      assert.equal(error.name, 'SerializationError', error.stack);
      assert.equal(error.code, 'SIMUL_SERIALIZATION');
      for (const pattern of patterns) assert.match(error.message, pattern);
      return true;
    },
  );
}

test('writes to captured names, with the place', () => {
  let count = 0,
    list: number[] = [],
    key = '';
  const here = /refusals\.test\.js:\d+:\d+/;
  refused(
    () => {
      count++;
    },
    /`count`/,
    here,
  );
  refused(() => {
    count += 1;
  }, /`count`/);
  refused(() => {
    [count] = [1];
  }, /`count`/);
  refused(() => {
    ({ a: count = 2 } = {} as { a?: number });
  }, /`count`/);
  refused(() => {
    for (key in {}) void key;
  }, /`key`/);
  refused(() => {
    for (count of [1]) void count;
  }, /`count`/);
  refused(
    () => () => {
      count = 1;
    },
    /`count`/,
  );
  list.push(count);
  assert.equal(
    readFunction(() => {
      list.push(1);
    }).kind,
    'code',
  );
  assert.equal(
    readFunction(() => {
      let count = 1;
      count++;
      return count;
    }).kind,
    'code',
  );
});

test('this, super and new.target of the code around an arrow', () => {
  class Base {
    name = 'x';
    hello() {
      return 'hi';
    }
  }
  class Service extends Base {
    #token = 1;
    arrow() {
      return () => this.name;
    }
    parent() {
      return () => super.hello();
    }
    secret(other: Service) {
      return () => other.#token;
    }
    override hello() {
      return super.hello();
    }
  }
  function Target() {
    return () => new.target;
  }
  const service = new Service();
  refused(service.arrow(), /`this`/, /const self = this/);
  refused(service.parent(), /super|this/);
  refused(service.secret(service), /#token/);
  refused(Service.prototype.hello, /`super`/, /whole class/);
  refused(Target(), /`new\.target`/);
  assert.equal(readFunction(Service).kind, 'code');
});

test('variables in their dead zone, proxies, unknown native functions', () => {
  refused(() => later, /`later`.*not initialised yet/);
  refused(() => new Late(), /`Late`.*not initialised yet/);
  const later = 1;
  class Late {}
  refused(new Proxy(() => 1, {}), /Proxy/);
  let resolve!: Function;
  new Promise((done) => {
    resolve = done;
  });
  refused(resolve, /native function/);
});

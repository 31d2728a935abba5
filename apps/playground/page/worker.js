// Runs the C++ in a thread of its own: answers requests, one after the other.
'use strict';

let exports;
const decoder = new TextDecoder(), encoder = new TextEncoder();
const memory = (place, size) => new Uint8Array(exports.memory.buffer, place, size);

// Text in the module's memory, up to the zero behind it.
const textAt = place => {
  const all = memory(place);
  return decoder.decode(all.subarray(0, all.indexOf(0)));
};

// What the C library asks a system for: files, arguments, variables. There are none.
const kNotThere = 52;  // ENOSYS of WASI
const system = new Proxy({}, {
  get: (_, name) => () => {
    if (name === 'proc_exit') throw new Error('the program ended itself');
    return kNotThere;
  },
});

const imports = {
  page: {fail: text => { throw new Error(textAt(text)); }},
  wasi_snapshot_preview1: system,
};

function put(reserve, bytes) {
  const place = reserve(bytes.length);  // may move the memory
  memory(place, bytes.length).set(bytes);
}

function answer(request, bytes) {
  put(exports.request, encoder.encode(JSON.stringify(request)));
  put(exports.request_bytes, bytes || new Uint8Array());
  // An error leaves functions without giving back their part of the stack.
  const stack = exports.__stack_pointer.value;
  try {
    exports.answer();
  } catch (error) {
    exports.__stack_pointer.value = stack;
    throw error;
  }
  const text = decoder.decode(memory(exports.answer_text(), exports.answer_text_size()));
  return {answer: JSON.parse(text), bytes: memory(exports.answer_bytes(), exports.answer_bytes_size()).slice()};
}

onmessage = async ({data}) => {
  if (data.module) {
    try {
      exports = (await WebAssembly.instantiate(data.module, imports)).exports;
      exports._initialize();
      postMessage({ready: true});
    } catch (error) {
      postMessage({failed: error.message});
    }
    return;
  }
  try {
    const {answer: reply, bytes} = answer(data.request, data.bytes);
    postMessage({id: data.id, answer: reply, bytes}, [bytes.buffer]);
  } catch (error) {
    postMessage({id: data.id, error: error.message});
  }
};

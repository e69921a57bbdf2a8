import { ownFolder } from '../../util/own-folder.js';
import { type Analysis, positionIn } from './analyze.js';
import { callingFiles } from './call-stack.js';
import { moduleInfo } from './module-info.js';
import type { Place } from './place.js';

/**
 * A guess at where a function was written, for processes without the inspector: the file on the call stack that
 * holds its text exactly once. Without one, the function still runs; its stack traces then name no file.
 */
export function locateWithoutInspector(text: string, analysis: Analysis): Place {
  const files = callingFiles(ownFolder()?.path);
  for (const file of files) {
    const info = moduleInfo(file);
    const offset = info?.text.indexOf(text) ?? -1;
    if (!info || offset < 0 || info.text.indexOf(text, offset + 1) >= 0) continue;
    const { line, column } = positionIn(info.text, offset);
    return { url: undefined, file, line, column };
  }
  const needsFile =
    analysis.importMeta !== undefined || analysis.free.some((name) => /^(?:require|__\w+name)$/.test(name));
  return { url: undefined, file: needsFile ? files[0] : undefined, line: 0, column: 0 };
}

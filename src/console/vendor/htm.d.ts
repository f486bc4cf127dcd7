/** htm's own types are for CommonJS, which Deno finds in the package. Each template of the console has one root. */
declare const htm: {
  bind<Element>(
    h: (type: any, props: any, ...children: any[]) => Element,
  ): (strings: TemplateStringsArray, ...values: unknown[]) => Element;
};
export default htm;

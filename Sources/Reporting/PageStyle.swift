/// The style sheet of every page: two themes, print, and widths from a phone's to a wall's.
enum PageStyle {
    /// The sheet.
    ///
    /// Every text colour has a contrast of at least 4.5 to its ground, every line and mark one of at least 3.
    static let sheet: StaticString = """
        :root{--ground:#fbfbf9;--card:#fff;--ink:#1b1f24;--quiet:#545d68;--line:#d9dcd8;
        --grid:#e8eae6;--link:#0a5394;--alarm:#a8200d;--alarm-ground:#fdf0ed;--good-ground:#eef4fa;
        --blue:#0b5fa5;--red:#b3420a;--green:#04704d;--violet:#84387a;--ochre:#7b5b00;--gray:#59636e}
        @media screen and (prefers-color-scheme:dark){:root{--ground:#14171a;--card:#1b1f23;--ink:#e7eaed;--quiet:#a6b0bb;
        --line:#3a424a;--grid:#2a3036;--link:#80bdff;--alarm:#ff9d88;--alarm-ground:#33201c;--good-ground:#1b2733;
        --blue:#6cb6ff;--red:#ff9a66;--green:#4fd1a1;--violet:#e09ad6;--ochre:#e6c35c;--gray:#a9b4c0}}
        *{box-sizing:border-box}
        html{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;
        background:var(--ground);color:var(--ink)}
        body{margin:0}
        .skip{position:absolute;left:-200vw}
        .skip:focus{left:0;top:0;z-index:2;padding:.6rem 1rem;background:var(--ink);color:var(--ground)}
        header,main,footer,nav{max-width:70rem;margin:0 auto;padding:0 1.25rem}
        header{padding-top:2.2rem}
        h1{font-size:1.9rem;line-height:1.2;margin:0 0 .35rem;overflow-wrap:anywhere}
        h2{font-size:1.3rem;line-height:1.3;margin:2.6rem 0 .7rem;padding-top:.9rem;border-top:2px solid var(--line);
        overflow-wrap:anywhere}
        h3{font-size:1.05rem;margin:1.5rem 0 .4rem;overflow-wrap:anywhere}
        p,ul,ol,dl{margin:.5rem 0;max-width:46rem}
        ul,ol{padding-left:1.3rem}
        li{margin:.2rem 0}
        a{color:var(--link)}
        a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
        .kicker{color:var(--quiet);margin:0}
        .quiet{color:var(--quiet)}
        .name{overflow-wrap:anywhere}
        nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:1rem 0 0;max-width:none}
        .lead{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.6rem 1.3rem 1rem;
        margin:1.4rem 0}
        .lead h2{border:0;margin:.6rem 0 .3rem;padding:0}
        .lead p,.lead ul{max-width:52rem}
        .lead h3{margin:1rem 0 .2rem}
        .alarm{color:var(--alarm);font-weight:700}
        .warning{border-left:5px solid var(--alarm);background:var(--alarm-ground);padding:.6rem 1rem;margin:.8rem 0;
        max-width:52rem}
        .warning p{margin:.2rem 0}
        .pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:1.1rem;margin:1rem 0}
        figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1rem 1rem;
        min-width:0;break-inside:avoid}
        .pictures>figure:only-child{max-width:34rem}
        figcaption{font-weight:600;line-height:1.35;margin-bottom:.5rem;overflow-wrap:anywhere}
        figcaption span{display:block;font-weight:400;font-size:.875rem;color:var(--quiet)}
        figure svg{display:block;width:100%;max-width:31rem;height:auto;overflow:visible}
        svg text{font-size:12px;fill:var(--ink)}
        svg .axis{fill:var(--quiet)}
        svg .grid{stroke:var(--grid);stroke-width:1}
        svg .base,svg .leader,svg .level,svg .moment{stroke:var(--gray);stroke-width:1;fill:none}
        svg .level,svg .moment{stroke-width:1.4}
        svg .line{fill:none;stroke-width:2;stroke-linejoin:round}
        svg .whisker{stroke-width:1.3}
        svg .mark{stroke:var(--card);stroke-width:1}
        svg .hatch{stroke:var(--card);stroke-width:1.2}
        svg .part{stroke:var(--card);stroke-width:1}
        svg .worse{fill:var(--red)}svg .same{fill:var(--grid);stroke:var(--gray)}svg .better{fill:var(--blue)}
        svg .line.blue,svg .whisker.blue{stroke:var(--blue)}svg .mark.blue,svg .bar.blue{fill:var(--blue)}
        svg .line.red,svg .whisker.red{stroke:var(--red)}svg .mark.red,svg .bar.red{fill:var(--red)}
        svg .line.green,svg .whisker.green{stroke:var(--green)}svg .mark.green,svg .bar.green{fill:var(--green)}
        svg .line.violet,svg .whisker.violet{stroke:var(--violet)}svg .mark.violet,svg .bar.violet{fill:var(--violet)}
        svg .line.ochre,svg .whisker.ochre{stroke:var(--ochre)}svg .mark.ochre,svg .bar.ochre{fill:var(--ochre)}
        svg .line.gray,svg .whisker.gray{stroke:var(--gray)}svg .mark.gray,svg .bar.gray{fill:var(--gray)}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1rem;padding:0;margin:.5rem 0 0;font-size:.875rem}
        .legend li{display:flex;align-items:center;gap:.4rem;margin:0;min-width:0}
        .legend svg{width:34px;flex:none}
        details{margin:.35rem 0}
        summary{cursor:pointer;padding:.25rem 0;overflow-wrap:anywhere}
        figure details{font-size:.875rem;margin:.6rem 0 0}
        .scroll{overflow-x:auto;margin:.6rem 0;max-width:100%}
        table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
        caption{text-align:left;color:var(--quiet);padding-bottom:.4rem}
        .about{display:block;position:sticky;left:0;width:fit-content;max-width:min(54rem,100vw - 4.4rem);
        overflow-wrap:anywhere}
        th,td{text-align:left;vertical-align:top;padding:.32rem .9rem .32rem 0;border-bottom:1px solid var(--line)}
        thead th{border-bottom:2px solid var(--line);vertical-align:bottom}
        tbody th{font-weight:600;position:sticky;left:0;background:var(--ground)}
        figure tbody th{background:var(--card)}
        th,td{min-width:3.5rem}
        td .name,th .name{overflow-wrap:break-word}
        .number{text-align:right;white-space:nowrap}
        thead .number{white-space:normal}
        .number:first-child{text-align:left}
        .prose{min-width:12rem}
        dt{font-weight:600;margin-top:.5rem;overflow-wrap:anywhere}
        dd{margin:0 0 0 1.2rem}
        pre{font:.8125rem/1.5 ui-monospace,"Liberation Mono",Menlo,Consolas,monospace;margin:0}
        footer{color:var(--quiet);font-size:.875rem;border-top:1px solid var(--line);margin-top:3rem;
        padding-top:1rem;padding-bottom:2rem}
        @media (max-width:40rem){header,main,footer,nav{padding-left:.9rem;padding-right:.9rem}h1{font-size:1.5rem}
        .lead{padding:.3rem .9rem .8rem}figure{padding:.6rem .35rem}figcaption,.legend,figure details{padding:0 .3rem}header{padding-top:1.4rem}}
        @media print{html{background:#fff;font-size:11px}nav,.skip{display:none}.scroll{overflow:visible}
        figure,.lead{border-color:#bbb}header,main,footer{max-width:none;padding-left:0;padding-right:0}
        h2,h3,figcaption{break-after:avoid}tr{break-inside:avoid}.number{white-space:normal}
        .pictures{grid-template-columns:1fr 1fr}tbody th{position:static}}@page{margin:14mm}
        """
}
